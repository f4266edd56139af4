"""Where in a category there are adjacent free seats.

A row carries an upper bound of its longest run of free seats (`seat_rows.free_run`). Reserving only shortens runs, so
it need not touch the bound; freeing seats resets it. A search looks at a few promising rows and lowers the bound of
those that promised too much, so that every row is looked at in vain only once: the work does not grow with the hall.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.engine import Database
from inventory.models import LONGEST_RUN
from inventory.schemas import BestAvailable

__all__ = ["PROBED_ROWS", "Run", "SearchRepository", "SearchResult"]

PROBED_ROWS: Final = 8
"""Rows looked at together. A first row with room is the rule; eight rows of fifty seats are read in half a millisecond."""

_SEARCH: Final = text(
    f"""
    WITH first_free AS MATERIALIZED (
        SELECT FROM seats
        WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text) AND status = 'AVAILABLE'
        LIMIT CAST(:quantity AS int)),
    promising AS MATERIALIZED (
        SELECT candidate.row_rank, candidate.version
        FROM generate_series(CAST(:quantity AS int), {LONGEST_RUN}) AS wanted (free_run)
        CROSS JOIN LATERAL (
            SELECT row_rank, version FROM seat_rows
            WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)
                AND seat_rows.free_run = wanted.free_run
            ORDER BY row_rank LIMIT {PROBED_ROWS}) AS candidate
        WHERE (SELECT count(*) FROM first_free) = CAST(:quantity AS int)
        ORDER BY candidate.row_rank LIMIT {PROBED_ROWS}),
    windows AS MATERIALIZED (
        SELECT promising.row_rank, free.seat_number,
            array_agg(free.seat_id) OVER ahead AS seat_ids, last_value(free.seat_number) OVER ahead AS last_number
        FROM promising CROSS JOIN LATERAL (
            SELECT seat_id, seat_number FROM seats
            WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)
                AND row_rank = promising.row_rank AND status = 'AVAILABLE'
            ORDER BY seat_number) AS free
        WINDOW ahead AS (PARTITION BY promising.row_rank ORDER BY free.seat_number
            ROWS BETWEEN CURRENT ROW AND CAST(:quantity AS int) - 1 FOLLOWING)),
    runs AS MATERIALIZED (
        SELECT row_rank, seat_number, seat_ids FROM windows
        WHERE last_number = seat_number + CAST(:quantity AS int) - 1 AND cardinality(seat_ids) = CAST(:quantity AS int))
    SELECT (SELECT count(*) FROM first_free) = CAST(:quantity AS int) AS has_enough,
        (SELECT jsonb_agg(jsonb_build_array(row_rank, seat_number, seat_ids) ORDER BY row_rank, seat_number)
            FROM runs) AS runs,
        (SELECT jsonb_agg(jsonb_build_array(row_rank, version)) FROM promising
            WHERE row_rank NOT IN (SELECT row_rank FROM runs)) AS barren
    """  # noqa: S608 - built of constants
)

# Only while the row is as it was seen: a seat that was freed meanwhile has changed the version.
_LOWER: Final = text(
    """
    WITH seen AS MATERIALIZED (
        SELECT CAST(pair ->> 0 AS int) AS row_rank, CAST(pair ->> 1 AS int) AS version
        FROM jsonb_array_elements(:barren) AS pair),
    unlocked AS MATERIALIZED (
        SELECT seat_rows.event_id, seat_rows.row_rank, seen.version FROM seat_rows JOIN seen USING (row_rank)
        WHERE event_id = CAST(:event_id AS uuid) AND seat_rows.version = seen.version
        FOR UPDATE OF seat_rows SKIP LOCKED)
    UPDATE seat_rows SET free_run = CAST(:quantity AS int) - 1 FROM unlocked
    WHERE seat_rows.event_id = unlocked.event_id AND seat_rows.row_rank = unlocked.row_rank
        AND seat_rows.version = unlocked.version AND seat_rows.free_run >= CAST(:quantity AS int)
    """
).bindparams(bindparam("barren", type_=JSONB))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Adjacent free seats of one row."""

    row_rank: int
    first_number: int
    seat_ids: Sequence[uuid.UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    has_enough: bool  # as many free seats as wanted, adjacent or not
    runs: Sequence[Run]  # best first; no seat is in two of them
    is_exhausted: bool  # no row promised anything


_HAS_CATEGORY: Final = text(
    """
    SELECT FROM seat_counts WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)
    """
)


class SearchRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def has_category(self, wanted: BestAvailable) -> bool:
        return (
            await self._database.fetch_one(_HAS_CATEGORY, {"event_id": wanted.event_id, "category": wanted.category})
            is not None
        )

    async def find_runs(self, wanted: BestAvailable) -> SearchResult:
        """Look at the next promising rows, and note which of them promised too much."""
        parameters = {"event_id": wanted.event_id, "category": wanted.category, "quantity": wanted.quantity}
        (found,) = await self._database.fetch_all(_SEARCH, parameters)
        if barren := found["barren"]:
            lowering = {"event_id": wanted.event_id, "quantity": wanted.quantity, "barren": barren}
            await self._database.execute(_LOWER, lowering)
        runs = _without_overlaps(found["runs"] or [], quantity=wanted.quantity)
        return SearchResult(
            has_enough=found["has_enough"],
            runs=runs,
            is_exhausted=not runs and not barren,
        )


def _without_overlaps(windows: Sequence[Sequence[Any]], *, quantity: int) -> list[Run]:
    """Keep the first window of each stretch, then the next one that shares no seat with it."""
    runs: list[Run] = []
    for row_rank, first_number, seat_ids in windows:
        last = runs[-1] if runs else None
        if last is None or row_rank != last.row_rank or first_number >= last.first_number + quantity:
            ids = [uuid.UUID(seat_id) for seat_id in seat_ids]
            runs.append(Run(row_rank=row_rank, first_number=first_number, seat_ids=ids))
    return runs
