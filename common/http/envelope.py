"""The body of every response: ``{"success": true, "data": …}``, with ``pagination`` for lists; errors have their own."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict

__all__ = [
    "BAD_INPUT",
    "NOT_LOGGED_IN",
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
    total: int
    total_pages: int


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
    """The requested page of a list (`page` from 1, `per_page` at most 100)."""

    page: int
    per_page: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page

    @staticmethod
    async def from_query(  # async, because FastAPI runs plain functions in a thread
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        per_page: Annotated[int, Query(ge=1, le=MAX_PER_PAGE)] = 20,
    ) -> "Page":
        return Page(page=page, per_page=per_page)


PageQuery = Annotated[Page, Depends(Page.from_query)]


def success(data: Data) -> Success[Data]:
    return Success(data=data)


def pagination_of(page: Page, total: int) -> Pagination:
    return Pagination(page=page.page, per_page=page.per_page, total=total, total_pages=-(-total // page.per_page))


def paginated(found: tuple[list[Item], int], page: Page) -> Paginated[Item]:
    """Return the answer with the items of a page and the number of items on all pages."""
    items, total = found
    return Paginated(data=items, pagination=pagination_of(page, total))


def refusals(codes: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return a route's `responses` for OpenAPI: its error codes by status."""
    return {status: {"model": ErrorBody, "description": names} for status, names in codes.items()}
