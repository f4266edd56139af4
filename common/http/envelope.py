"""The body of every response: ``{"success": true, "data": …}``, with ``pagination`` for lists; errors have their own."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from common.errors import InvalidRequest
from common.fields import Integer
from common.pages import MAX_COUNTED, Cursor, Total

__all__ = [
    "BAD_INPUT",
    "NOT_LOGGED_IN",
    "CursorPageQuery",
    "ErrorBody",
    "Page",
    "PageQuery",
    "Paginated",
    "Pagination",
    "Success",
    "paginated",
    "pagination_of",
    "refusals",
    "success",
]

# Error codes that many routes answer, for `refusals`.
BAD_INPUT = "VALIDATION_ERROR, INVALID_UUID"
NOT_LOGGED_IN = "UNAUTHORIZED, TOKEN_EXPIRED"

MAX_PER_PAGE = 100

Data = TypeVar("Data")
Item = TypeVar("Item")


class Success(BaseModel, Generic[Data]):
    """A response with one item."""

    success: Literal[True] = True
    data: Data


class Pagination(BaseModel):
    page: int
    per_page: int
    total: int = Field(description=f"The number of items on all pages; long lists are counted to {MAX_COUNTED}.")
    total_pages: int
    total_is_exact: bool = Field(
        default=True,
        description="Present and false if there are more items than `total`.",
        exclude_if=lambda is_exact: is_exact,
    )
    next: str | None = Field(
        default=None,
        description="Leads to the following page as `after`. Present in lists that have `after`, if a page may follow.",
        exclude_if=lambda cursor: cursor is None,
    )


class Paginated(BaseModel, Generic[Item]):
    """One page of a list."""

    success: Literal[True] = True
    data: list[Item]
    pagination: Pagination


class ErrorBody(BaseModel):
    """An error with a stable code."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "success": False,
                "error_code": "RATE_LIMITED",
                "message": "Too many requests. Please slow down.",
                "correlation_id": "5b6f8f0d1d3a4c0f9f5b8a5c2a6f7e11",
            }
        }
    )

    success: Literal[False] = False
    error_code: str
    message: str
    details: dict[str, Any] | None = None
    correlation_id: str


class Page(BaseModel):
    """The requested page of a list (`page` from 1, `per_page` at most 100), or the one after an item.

    `has_cursor`: the list can be continued after an item.
    """

    page: int
    per_page: int
    after: Cursor | None = None
    has_cursor: bool = False

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page

    @staticmethod
    async def from_query(  # async, because FastAPI runs plain functions in a thread
        page: Annotated[Integer, Query(ge=1, le=1_000_000)] = 1,
        per_page: Annotated[Integer, Query(ge=1, le=MAX_PER_PAGE)] = 20,
    ) -> "Page":
        return Page(page=page, per_page=per_page)

    @staticmethod
    async def from_cursor_query(
        page: Annotated[Integer, Query(ge=1, le=1_000_000)] = 1,
        per_page: Annotated[Integer, Query(ge=1, le=MAX_PER_PAGE)] = 20,
        after: Annotated[
            str | None, Query(max_length=200, description="`next` of the page before; it replaces `page`.")
        ] = None,
    ) -> "Page":
        try:
            cursor = None if after is None else Cursor.parse(after)
        except ValueError as error:
            raise InvalidRequest("`after` must be the `next` of another page.") from error
        return Page(page=page, per_page=per_page, after=cursor, has_cursor=True)


PageQuery = Annotated[Page, Depends(Page.from_query)]
CursorPageQuery = Annotated[Page, Depends(Page.from_cursor_query)]


def success(data: Data) -> Success[Data]:
    return Success(data=data)


def pagination_of(page: Page, total: int) -> Pagination:
    return Pagination(page=page.page, per_page=page.per_page, total=total, total_pages=-(-total // page.per_page))


def paginated(found: tuple[list[Item], Total], page: Page) -> Paginated[Item]:
    """Return the answer with the items of a page and their number on all pages.

    Raises:
        InvalidRequest: the page is behind the last counted item.
    """
    items, total = found
    if not total.is_exact and page.after is None and page.offset >= total.number:
        advice = "filter the list, or continue with `after`" if page.has_cursor else "filter the list"
        raise InvalidRequest(f"Pages have numbers up to item {total.number}: {advice}.")
    pagination = pagination_of(page, total.number)
    pagination.total_is_exact = total.is_exact
    is_last = total.is_exact and page.after is None and page.offset + page.per_page >= total.number
    if page.has_cursor and total.next is not None and not is_last:
        pagination.next = str(total.next)
    return Paginated(data=items, pagination=pagination)


def refusals(codes: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return a route's `responses` for OpenAPI: its error codes by status."""
    return {status: {"model": ErrorBody, "description": names} for status, names in codes.items()}
