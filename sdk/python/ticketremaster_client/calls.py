"""What can be asked of the API: `generated/operations.py` has a function for each operation, which returns its call."""

import functools
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter

from ticketremaster_client.generated.models import Pagination

__all__ = ["Call", "Page", "PageCall"]

T = TypeVar("T")
Reads = Literal["data", "page", "whole", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: list[T]
    pagination: Pagination


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call of an operation, whose result is a T.

    Args:
        path: a template, such as `/api/orders/{order_id}`.
        answer: the type of the result; of its items, if it is a page.
        takes_key: with an `Idempotency-Key` the call has its effect once, however often it is sent.
        may_be_pending: the answer may be 202: the work goes on.
    """

    method: str
    path: str
    answer: Any = None
    reads: Reads = "data"
    values: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: BaseModel | None = None
    takes_key: bool = False
    may_be_pending: bool = False

    @property
    def is_repeatable(self) -> bool:
        return self.takes_key or self.method == "GET"

    def request(self, base_url: str, headers: Mapping[str, str]) -> httpx.Request:
        values = {name: quote(str(value), safe="") for name, value in self.values.items()}
        query = {name: _text(value) for name, value in self.query.items() if value is not None}
        body = self.body.model_dump(mode="json", exclude_unset=True, by_alias=True) if self.body else None
        return httpx.Request(
            self.method, base_url + self.path.format_map(values), params=query, json=body, headers=headers
        )

    def result(self, response: httpx.Response) -> T:
        """Return what the answer of a success has.

        Raises:
            ValueError: it does not have the form of this version's models.
        """
        return self._parsed(response)  # type: ignore[no-any-return] # `answer` is the type, made by the same generator

    def _parsed(self, response: httpx.Response) -> Any:
        if self.reads == "nothing":
            return None
        if self.reads == "text":
            return response.text
        told = response.json()
        if self.reads == "page":
            items = _adapter(types.GenericAlias(list, (self.answer,))).validate_python(told["data"])
            return Page(items, Pagination.model_validate(told["pagination"]))
        return _adapter(self.answer).validate_python(told["data"] if self.reads == "data" else told)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCall(Call[Page[T]]):
    """A call of a list, whose result is one page.

    Args:
        pages_by: the parameter that leads to the next page.
    """

    reads: Reads = "page"
    pages_by: Literal["page", "after", "offset"] = "page"

    def following(self, page: Page[T]) -> Self | None:
        """Return the call of the next page, or None after the last one."""
        at = page.pagination
        if self.pages_by == "after":
            return self._from(at.next) if at.next else None
        if at.page >= at.total_pages:
            return None
        return self._from(at.page + 1 if self.pages_by == "page" else at.page * at.per_page)

    def _from(self, place: object) -> Self:
        query = {name: value for name, value in self.query.items() if name != "page"}
        return replace(self, query=query | {self.pages_by: place})


@functools.cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
