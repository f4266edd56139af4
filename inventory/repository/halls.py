"""Creates, discards, blocks and counts a hall's seats."""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import Executable

from common.db.engine import Database
from common.db.idempotency import SELECT_ANSWER, IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from inventory.models import MAX_RUN
from inventory.repository.fragments import FREE_LOCKED, IS_FREE, PRIOR, RAISE_ROWS, STORE_RESULT
from inventory.repository.requests import Change, change_of
from inventory.schemas import CategoryAvailability, LayoutCategory, LayoutRow

__all__ = ["HallRepository", "repeated_rows"]

GENERAL_ADMISSION: Final = "GA"
LARGE_HALL: Final = 1_000

# The rows are one JSON document of a few thousand at most; the database creates their seats.
_PROVISION: Final = text(
    f"""
    WITH {PRIOR},
    layout AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(:layout) AS part (
            category text, category_rank int, price numeric, row_number text, row_rank int, rank_in_category int,
            seats int, seats_before int, is_general_admission boolean, seat_ids uuid[])
        WHERE NOT EXISTS (SELECT FROM prior)
            AND NOT EXISTS (SELECT FROM seats WHERE event_id = CAST(:event_id AS uuid))
            AND CAST(:has_unique_labels AS boolean)),
    rows_made AS (
        INSERT INTO seat_rows (
            event_id, row_rank, category, rank_in_category, row_number, is_general_admission, free_run,
            is_label_unique)
        SELECT CAST(:event_id AS uuid), row_rank, category, rank_in_category, row_number, is_general_admission,
            CASE WHEN is_general_admission THEN 0 ELSE least(seats, {MAX_RUN}) END, true
        FROM layout),
    made AS (
        INSERT INTO seats (
            seat_id, event_id, category, row_number, row_rank, seat_number, hall_position, price)
        SELECT coalesce(seat_ids[seat_number], gen_random_uuid()), CAST(:event_id AS uuid), category, row_number,
            row_rank, seat_number, seats_before + seat_number, price
        FROM layout CROSS JOIN LATERAL generate_series(1, seats) AS seat_number
        ORDER BY row_rank, seat_number
        RETURNING 1),
    counted AS (
        INSERT INTO seat_counts (event_id, category, category_rank, total, available, held, sold, blocked)
        SELECT CAST(:event_id AS uuid), category, min(category_rank), sum(seats), sum(seats), 0, 0, 0
        FROM layout GROUP BY category),
    remembered AS ({STORE_RESULT}
            'seats_created', count(*)))
        FROM made HAVING count(*) > 0
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
).bindparams(bindparam("layout", type_=JSONB))

# All or none: if one seat was ever changed, the whole hall stays.
_DISCARD: Final = text(
    f"""
    WITH {PRIOR},
    locked AS MATERIALIZED (
        SELECT seat_id, version FROM seats
        WHERE event_id = CAST(:event_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE NOWAIT),
    allowed AS MATERIALIZED (
        SELECT WHERE NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM locked WHERE version > 0)),
    discarded AS (
        DELETE FROM seats WHERE event_id = CAST(:event_id AS uuid) AND EXISTS (SELECT FROM allowed) RETURNING 1),
    rows_gone AS (
        DELETE FROM seat_rows WHERE event_id = CAST(:event_id AS uuid) AND EXISTS (SELECT FROM allowed)),
    counts_gone AS (
        DELETE FROM seat_counts WHERE event_id = CAST(:event_id AS uuid) AND EXISTS (SELECT FROM allowed)),
    remembered AS ({STORE_RESULT}
            'seats_discarded', (SELECT count(*) FROM discarded)))
        FROM allowed
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

_BLOCK: Final = text(
    f"""
    WITH {PRIOR},
    locked AS MATERIALIZED (
        SELECT seat_id, category, status FROM seats
        WHERE seat_id = ANY(CAST(:seat_ids AS uuid[])) AND event_id = CAST(:event_id AS uuid) AND {IS_FREE}
            AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE NOWAIT),
    verdict AS MATERIALIZED (SELECT count(*) = cardinality(CAST(:seat_ids AS uuid[])) AS is_complete FROM locked),
    blocked AS (
        UPDATE seats SET status = 'BLOCKED', hold_id = NULL, held_by_user_id = NULL, held_until = NULL,
            hold_size = NULL, version = version + 1
        WHERE seat_id = ANY(ARRAY(SELECT seat_id FROM locked)) AND (SELECT is_complete FROM verdict)
        RETURNING seat_id),
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT CAST(:event_id AS uuid), category, -count(*) FILTER (WHERE status = 'AVAILABLE'),
            -count(*) FILTER (WHERE status = 'HELD'), 0, count(*)
        FROM locked WHERE (SELECT is_complete FROM verdict) GROUP BY category),
    remembered AS ({STORE_RESULT}
            'seats_changed', count(*)))
        FROM blocked HAVING count(*) > 0
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

_UNBLOCK: Final = text(
    f"""
    WITH {PRIOR},
    blocked AS MATERIALIZED (
        SELECT seat_id FROM seats
        WHERE seat_id = ANY(CAST(:seat_ids AS uuid[])) AND event_id = CAST(:event_id AS uuid) AND status = 'BLOCKED'
            AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE NOWAIT),
    locked AS MATERIALIZED (
        SELECT seat_id FROM blocked
        WHERE (SELECT count(*) FROM blocked) = cardinality(CAST(:seat_ids AS uuid[]))),
    {FREE_LOCKED},
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT event_id, category, count(*), 0, 0, -count(*) FROM freed GROUP BY event_id, category),
    {RAISE_ROWS},
    remembered AS ({STORE_RESULT}
            'seats_changed', count(*)))
        FROM freed HAVING count(*) > 0
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

# No lock is taken: a sale that has begun may still succeed, and one that begins later sees this row.
_CLOSE: Final = text(
    f"""
    WITH {PRIOR},
    closed AS (
        INSERT INTO closed_events (event_id)
        SELECT CAST(:event_id AS uuid) WHERE NOT EXISTS (SELECT FROM prior)
        ON CONFLICT (event_id) DO NOTHING),
    remembered AS ({STORE_RESULT}
            'event_id', CAST(:event_id AS uuid)))
        WHERE NOT EXISTS (SELECT FROM prior)
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

_AGGREGATE: Final = text(
    """
    WITH taken AS (
        DELETE FROM seat_count_changes
        WHERE ctid = ANY(ARRAY(SELECT ctid FROM seat_count_changes LIMIT CAST(:batch AS int) FOR UPDATE SKIP LOCKED))
        RETURNING event_id, category, available, held, sold, blocked),
    sums AS (
        SELECT event_id, category, count(*) AS changes, sum(available) AS available, sum(held) AS held,
            sum(sold) AS sold, sum(blocked) AS blocked
        FROM taken GROUP BY event_id, category),
    counts_locked AS MATERIALIZED (
        SELECT event_id, category FROM seat_counts
        WHERE (event_id, category) IN (SELECT event_id, category FROM sums)
        ORDER BY event_id, category FOR UPDATE),
    folded AS (
        UPDATE seat_counts SET available = seat_counts.available + sums.available, held = seat_counts.held + sums.held,
            sold = seat_counts.sold + sums.sold, blocked = seat_counts.blocked + sums.blocked
        FROM sums JOIN counts_locked USING (event_id, category)
        WHERE seat_counts.event_id = sums.event_id AND seat_counts.category = sums.category)
    SELECT coalesce(sum(changes), 0) AS changes FROM sums
    """
)

# Expired holds that have not been ended yet count as free; there are only a few.
_AVAILABILITY: Final = text(
    """
    WITH changed AS (
        SELECT event_id, category, sum(available) AS available, sum(held) AS held, sum(sold) AS sold,
            sum(blocked) AS blocked
        FROM seat_count_changes WHERE event_id = ANY(CAST(:event_ids AS uuid[])) GROUP BY event_id, category),
    overdue AS (
        SELECT event_id, category, count(*) AS seats FROM seats
        WHERE held_until <= (SELECT clock_timestamp()) AND event_id = ANY(CAST(:event_ids AS uuid[]))
        GROUP BY event_id, category)
    SELECT event_id, category, total,
        seat_counts.available + coalesce(changed.available, 0) + coalesce(overdue.seats, 0) AS available,
        seat_counts.held + coalesce(changed.held, 0) - coalesce(overdue.seats, 0) AS held,
        seat_counts.sold + coalesce(changed.sold, 0) AS sold,
        seat_counts.blocked + coalesce(changed.blocked, 0) AS blocked
    FROM seat_counts LEFT JOIN changed USING (event_id, category) LEFT JOIN overdue USING (event_id, category)
    WHERE event_id = ANY(CAST(:event_ids AS uuid[])) ORDER BY event_id, category_rank
    """
)

# After a large hall is created, plans made for smaller tables would read too much. Small halls are left to autovacuum. A
# table that autovacuum is analyzing is skipped.
_ANALYZE: Final = text("ANALYZE (SKIP_LOCKED) seats, seat_rows, seat_counts")


class HallRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._requests = IdempotencyStore(database)

    async def provision(
        self, request: ParticipantRequest, event_id: uuid.UUID, layout: Sequence[LayoutCategory]
    ) -> int | None:
        """Create the seats and return their number; None if the event has seats, or two would have one label."""
        parameters = {
            "event_id": event_id,
            "layout": _layout_rows(layout),
            "has_unique_labels": not repeated_rows(layout),
        }
        attempt = await self._requests.attempt(request, _PROVISION, parameters)
        if attempt.done is None:
            return None
        created = int(attempt.done["seats_created"])
        if created >= LARGE_HALL and not attempt.is_replay:
            await self._database.execute(_ANALYZE)
        return created

    async def discard(self, request: ParticipantRequest, event_id: uuid.UUID, undoes_request_id: uuid.UUID) -> bool:
        """Remove the seats; return False if one of them was ever changed."""
        attempt = await self._requests.attempt(
            request, _DISCARD, {"event_id": event_id}, undoes_request_id=undoes_request_id
        )
        return attempt.done is not None

    async def block(
        self, request: ParticipantRequest, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]
    ) -> Change[int] | None:
        """AVAILABLE -> BLOCKED; None if not all were free."""
        return await self._change(request, _BLOCK, event_id, seat_ids)

    async def unblock(
        self, request: ParticipantRequest, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]
    ) -> Change[int] | None:
        """BLOCKED -> AVAILABLE; None if not all were blocked."""
        return await self._change(request, _UNBLOCK, event_id, seat_ids)

    async def _change(
        self, request: ParticipantRequest, statement: Executable, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]
    ) -> Change[int] | None:
        attempt = await self._requests.attempt(request, statement, {"event_id": event_id, "seat_ids": list(seat_ids)})
        return change_of(attempt, lambda done: int(done["seats_changed"]))

    async def close(self, request: ParticipantRequest, event_id: uuid.UUID) -> None:
        """End the event's sale, unless it has ended."""
        await self._requests.attempt(request, _CLOSE, {"event_id": event_id})

    async def refuse(self, request: ParticipantRequest, refusal: ServiceError) -> dict[str, Any]:
        """Store the refusal and raise it. If a result was stored meanwhile, return that."""
        return await self._requests.store_refusal(request, refusal)

    async def aggregate_count_changes(self, *, batch: int) -> int:
        """Add changes to the counts; return how many there were."""
        row = await self._database.fetch_one(_AGGREGATE, {"batch": batch})
        return int(row["changes"]) if row else 0

    async def availability(self, event_ids: Sequence[uuid.UUID]) -> list[CategoryAvailability]:
        rows = await self._database.fetch_all(_AVAILABILITY, {"event_ids": list(event_ids)})
        return [CategoryAvailability(**row) for row in rows]


def repeated_rows(layout: Sequence[LayoutCategory]) -> list[str]:
    """Return the names that several rows of the hall have."""
    counts = Counter(row.row_number for category in layout for row in _rows_of(category, layout))
    return sorted(name for name, count in counts.items() if count > 1)


def _layout_rows(layout: Sequence[LayoutCategory]) -> list[dict[str, Any]]:
    """Return one record per row, with its rank in the hall and in its category."""
    records: list[dict[str, Any]] = []
    seats_before = 0
    for category_rank, category in enumerate(layout, start=1):
        for rank_in_category, row in enumerate(_rows_of(category, layout), start=1):
            record = {
                "category": category.category,
                "category_rank": category_rank,
                "price": str(category.price),
                "row_number": row.row_number,
                "row_rank": len(records) + 1,
                "rank_in_category": rank_in_category,
                "seats": row.seats,
                "seats_before": seats_before,
                "is_general_admission": category.general_admission > 0,
                "seat_ids": [str(seat_id) for seat_id in row.seat_ids],
            }
            records.append(record)
            seats_before += row.seats
    return records


def _rows_of(category: LayoutCategory, layout: Sequence[LayoutCategory]) -> Sequence[LayoutRow]:
    """Return the category's rows; a standing area is a single row, with the area's name if there are several."""
    if not category.general_admission:
        return category.rows
    is_only_area = sum(other.general_admission > 0 for other in layout) == 1
    name = GENERAL_ADMISSION if is_only_area else f"{GENERAL_ADMISSION} {category.category}"
    return [LayoutRow(row_number=name, seats=category.general_admission)]
