"""Searches a category for adjacent free seats.

Each row has an upper bound of its longest run of free seats (`seat_rows.free_run`). Reserving only shortens runs, so it
does not update the bound; freeing seats resets it. A search reads a few promising rows and lowers the bounds that were
too high, so each row is read in vain only once, and the work does not grow with the hall.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.engine import Database
from inventory.models import MAX_RUN
from inventory.schemas import BestAvailable

__all__ = ["RowVersion", "Run", "SearchRepository", "SearchResult"]

MAX_RUNS: Final = 32
"""More are useless: other fans would take them before they are tried."""

OVERDUE_SEATS: Final = 500
"""The longest overdue ones, which one sweep ends."""

Run = Sequence[uuid.UUID]
"""Adjacent free seats of one row, in the order of their ids."""
RowVersion = tuple[int, int]
"""A row's rank and version."""

# Free seats are adjacent (an island) if their number minus their position among the row's free seats is equal. An island
# is cut into pieces of the wanted size from its lower end, so that no seat is in two pieces.
_SEARCH: Final = text(
    f"""
    WITH first_free AS MATERIALIZED (
        SELECT FROM seats
        WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text) AND status = 'AVAILABLE'
        ORDER BY row_rank, seat_number LIMIT CAST(:quantity AS int)),
    overdue AS MATERIALIZED (
        SELECT event_id, category FROM seats WHERE held_until <= (SELECT clock_timestamp())
        ORDER BY held_until LIMIT {OVERDUE_SEATS}),
    promising AS MATERIALIZED (
        SELECT candidate.row_rank, candidate.version
        FROM generate_series(CAST(:quantity AS int), {MAX_RUN}) AS wanted (free_run)
        CROSS JOIN LATERAL (
            SELECT row_rank, rank_in_category, version FROM seat_rows
            WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)
                AND seat_rows.free_run = wanted.free_run
            ORDER BY rank_in_category LIMIT CAST(:rows AS int)) AS candidate
        WHERE (SELECT count(*) FROM first_free) = CAST(:quantity AS int)
        ORDER BY candidate.rank_in_category LIMIT CAST(:rows AS int)),
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
    SELECT has_enough,
        has_enough OR EXISTS (SELECT FROM seat_counts
            WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)) AS is_known,
        EXISTS (SELECT FROM closed_events WHERE event_id = CAST(:event_id AS uuid)) AS is_closed,
        NOT has_enough AND EXISTS (SELECT FROM overdue
            WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text)) AS has_overdue,
        (SELECT jsonb_agg(seat_ids) FROM (
            SELECT seat_ids FROM runs ORDER BY row_rank, first_number LIMIT {MAX_RUNS}) AS best) AS runs,
        (SELECT jsonb_agg(jsonb_build_array(row_rank, version)) FROM promising
            WHERE row_rank NOT IN (SELECT row_rank FROM runs)) AS exhausted
    FROM (SELECT count(*) = CAST(:quantity AS int) AS has_enough FROM first_free) AS counted
    """  # noqa: S608 - built of constants
)

# Only if the row's version is unchanged: freeing a seat changes it.
_LOWER: Final = text(
    """
    WITH seen AS MATERIALIZED (
        SELECT CAST(pair ->> 0 AS int) AS row_rank, CAST(pair ->> 1 AS int) AS version
        FROM jsonb_array_elements(:exhausted) AS pair),
    unlocked AS MATERIALIZED (
        SELECT seat_rows.event_id, seat_rows.row_rank FROM seat_rows JOIN seen USING (row_rank)
        WHERE event_id = CAST(:event_id AS uuid) AND seat_rows.version = seen.version
        FOR UPDATE OF seat_rows SKIP LOCKED)
    UPDATE seat_rows SET free_run = CAST(:quantity AS int) - 1 FROM unlocked
    WHERE seat_rows.event_id = unlocked.event_id AND seat_rows.row_rank = unlocked.row_rank
        AND seat_rows.free_run >= CAST(:quantity AS int)
    """
).bindparams(bindparam("exhausted", type_=JSONB))


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    is_known: bool  # the event has such a category
    is_closed: bool  # the event's sale has ended
    has_enough: bool  # enough free seats, adjacent or not
    has_overdue: bool  # too few seats, but expired holds have more
    runs: Sequence[Run]  # best first, disjoint
    exhausted: Sequence[RowVersion]  # rows whose bound was too high


_read_result: Final = TypeAdapter(SearchResult).validate_python


class SearchRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_runs(self, wanted: BestAvailable, *, rows: int) -> SearchResult:
        """Search up to `rows` promising rows of the category."""
        parameters = {
            "event_id": wanted.event_id,
            "category": wanted.category,
            "quantity": wanted.quantity,
            "rows": rows,
        }
        (row,) = await self._database.fetch_all(_SEARCH, parameters)
        return _read_result({**row, "runs": row["runs"] or [], "exhausted": row["exhausted"] or []})

    async def lower_bounds(self, wanted: BestAvailable, rows: Sequence[RowVersion]) -> None:
        """Store that these rows, in these versions, have no run of the wanted length."""
        parameters = {"event_id": wanted.event_id, "quantity": wanted.quantity, "exhausted": rows}
        await self._database.execute(_LOWER, parameters)
