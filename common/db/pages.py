"""Reads one page of a list, and counts the list up to `MAX_COUNTED`."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Select, any_, func, literal, literal_column, select, tuple_

from common.db.engine import Database, Row
from common.pages import COUNT_LIMIT, MAX_COUNTED, Cursor, Total

_ONE: Final[ColumnElement[Any]] = literal_column("1")
_AT: Final = "place_at"
_KEY: Final = "place_key"


async def find_page(
    database: Database,
    rows: Select[Any],
    *sorting: ColumnElement[Any],
    key: ColumnElement[Any],
    limit: int,
    offset: int,
) -> tuple[Sequence[Row], Total]:
    """Return a page of the rows, and the number of rows on all pages, counted to `MAX_COUNTED`.

    An offset beyond `MAX_COUNTED` is read at `MAX_COUNTED`; `paginated` refuses it.

    Args:
        sorting: what the rows are sorted by; the last one is `key`, ascending or descending.
        key: the column of ids.
    """
    page = _page_query(rows, *sorting, key=key, limit=limit, offset=min(offset, MAX_COUNTED))
    return await database.fetch_all(page), Total.of_bounded(await _count(database, rows))


async def find_newest(
    database: Database,
    rows: Select[Any],
    *,
    at: ColumnElement[Any],
    key: ColumnElement[Any],
    limit: int,
    offset: int,
    after: Cursor | None = None,
) -> tuple[Sequence[Row], Total]:
    """Return the same as `find_page`, newest first, for the rows behind `after` if it is given.

    Each row has its place, too, so that a page whose last row cannot be read leads to the next one.

    Args:
        at: the column of time. The index that serves the list begins with the filtered columns and continues with it.
    """
    wanted, offset = rows, min(offset, MAX_COUNTED)
    if after is not None:
        wanted, offset = (
            rows.where(tuple_(at, key) < tuple_(literal(after.at, at.type), literal(after.key, key.type))),
            0,
        )
    page = _page_query(
        wanted.add_columns(at.label(_AT), key.label(_KEY)), at.desc(), key.desc(), key=key, limit=limit, offset=offset
    )
    found = await database.fetch_all(page)
    following = Cursor(found[-1][_AT], found[-1][_KEY]) if found and len(found) == limit else None
    return found, Total.of_bounded(await _count(database, rows), next_=following)


def has_value(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """Return the condition that a column has one of the names of its enumeration.

    The name is part of the statement: PostgreSQL must know how frequent it is, and which partial indexes have it.

    Raises:
        ValueError: it is not a name.
    """
    if not value.replace("_", "").isalpha() or not value.isascii():
        raise ValueError(value)
    return column == literal_column(f"'{value}'")


def _page_query(
    rows: Select[Any], *sorting: ColumnElement[Any], key: ColumnElement[Any], limit: int, offset: int
) -> Select[Any]:
    """Return the page's rows.

    The ids are picked first, because PostgreSQL computes the columns of skipped rows, too. They are an array, which is read
    once and looked up by the primary key whatever the planner knows of the table.
    """
    keys = rows.with_only_columns(key.label("picked"), maintain_column_froms=True)
    picked = select(keys.order_by(*sorting).limit(limit).offset(offset).subquery().c.picked).scalar_subquery()
    return rows.where(key == any_(func.array(picked, type_=ARRAY(key.type)))).order_by(*sorting)


async def _count(database: Database, rows: Select[Any]) -> int:
    counted = rows.with_only_columns(_ONE, maintain_column_froms=True).limit(COUNT_LIMIT).subquery()
    row = await database.fetch_one(select(func.count().label("total")).select_from(counted))
    return int(row["total"]) if row else 0
