"""Where in a category there are adjacent free seats.

A row carries an upper bound of its longest run of free seats (`seat_rows.free_run`). Reserving only shortens runs, so
it need not touch the bound; freeing seats resets it. A search looks at a few promising rows and lowers the bound of
those that promised too much, so that every row is looked at in vain only once: the work does not grow with the hall.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.engine import Database
from inventory.models import LONGEST_RUN
from inventory.schemas import BestAvailable

__all__ = ["Run", "SearchRepository", "SearchResult"]

PROBED_ROWS: Final = 4
"""Rows looked at together: few, because the first one usually has room; four of fifty seats are read in 0.4 ms."""
RUNS_FOUND: Final = 32
"""More are no use: by the time they were tried, others would have bought."""

Run = Sequence[uuid.UUID]
"""Adjacent free seats of one row, in the order of their ids."""

# Free seats whose number less their place among the row's free seats is the same stand side by side: an island. It is
# cut into pieces of the wanted size from its lower end, so that no seat is in two pieces.
_SEARCH: Final = text(
    f"""
    WITH first_free AS MATERIALIZED (
        SELECT FROM seats
        WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text) AND status = 'AVAILABLE'
        ORDER BY row_rank, seat_number LIMIT CAST(:quantity AS int)),
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
    free AS MATERIALIZED (
        SELECT row_rank, seat_number, seat_id,
            seat_number - row_number() OVER (PARTITION BY row_rank ORDER BY seat_number) AS island
        FROM promising CROSS JOIN LATERAL (
            SELECT seat_id, seat_number FROM seats
            WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)
                AND seats.row_rank = promising.row_rank AND status = 'AVAILABLE'
            ORDER BY seat_number) AS available),
    placed AS (
        SELECT *, (row_number() OVER (PARTITION BY row_rank, island ORDER BY seat_number) - 1)
            / CAST(:quantity AS int) AS piece
        FROM free),
    runs AS MATERIALIZED (
        SELECT row_rank, min(seat_number) AS first_number, array_agg(seat_id ORDER BY seat_id) AS seat_ids
        FROM placed GROUP BY row_rank, island, piece HAVING count(*) = CAST(:quantity AS int))
    SELECT (SELECT count(*) FROM first_free) = CAST(:quantity AS int) AS has_enough,
        (SELECT jsonb_agg(seat_ids) FROM (
            SELECT seat_ids FROM runs ORDER BY row_rank, first_number LIMIT {RUNS_FOUND}) AS best) AS runs,
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
class SearchResult:
    has_enough: bool  # as many free seats as wanted, adjacent or not
    runs: Sequence[Run]  # best first; no seat is in two of them
    is_exhausted: bool  # no row promised anything


_HAS_CATEGORY: Final = text(
    """
    SELECT 1 FROM seat_counts WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)
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
        runs = [[uuid.UUID(seat_id) for seat_id in seat_ids] for seat_ids in found["runs"] or ()]
        return SearchResult(
            has_enough=found["has_enough"],
            runs=runs,
            is_exhausted=not runs and not barren,
        )
