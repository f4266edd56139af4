"""Lists of any aggregate: pages for people, newest first; the oldest first, and counts, for who works them off."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, func, literal_column, select

from common.db.engine import Database

__all__ = ["Reader"]


class Reader:
    """Reads the rows of one table, each as the JSON that `shape` makes of it."""

    def __init__(self, database: Database, table: Table, shape: str) -> None:
        self._database = database
        self._table = table
        self._newest_first: Final = (table.c.created_at.desc(), next(iter(table.primary_key)).desc())
        self._oldest_first: Final = (table.c.created_at, next(iter(table.primary_key)))
        self._rows: Select[Any] = select(literal_column(shape).label("found")).select_from(table)

    async def page(
        self, conditions: Sequence[ColumnElement[bool]], *, limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return one page, newest first, and how many there are in all."""
        total = await self._database.fetch_one(
            select(func.count().label("total")).select_from(self._table).where(*conditions)
        )
        rows = await self._database.fetch_all(
            self._rows.where(*conditions).order_by(*self._newest_first).limit(limit).offset(offset)
        )
        return [row["found"] for row in rows], total["total"] if total else 0

    async def oldest(
        self, conditions: Sequence[ColumnElement[bool]], *, limit: int, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Return the first so many, behind the `offset` that are skipped."""
        rows = await self._database.fetch_all(
            self._rows.where(*conditions).order_by(*self._oldest_first).limit(limit).offset(offset)
        )
        return [row["found"] for row in rows]

    async def counts(self, event_id: uuid.UUID) -> dict[str, int]:
        """Return how many of the event there are of each status; statuses without one are left out."""
        columns = self._table.c
        rows = await self._database.fetch_all(
            select(columns.status, func.count().label("rows"))
            .where(columns.event_id == event_id)
            .group_by(columns.status)
        )
        return {row["status"]: row["rows"] for row in rows}
