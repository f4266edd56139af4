"""Reads seats, and changes the owners of tickets."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.sql import Executable

from common.db.engine import Database, Row
from common.db.idempotency import SELECT_ANSWER, IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from inventory.chunks import convert_in_chunks
from inventory.repository.documents import read_seat, read_seats
from inventory.repository.fragments import PRIOR, RAISE_ROWS, SEAT_COLUMNS, SEAT_DOCUMENT, STORE_RESULT
from inventory.repository.requests import Change, change_of, request_of
from inventory.schemas import ChangeOwner, ReclaimSeats, Resale, Seat

_CHANGED_SEAT: Final = f"""
    remembered AS ({STORE_RESULT} {SEAT_DOCUMENT}))
        FROM changed
        RETURNING result)
"""

# A seat's event never changes, so the snapshot may be older than the lock.
_CLOSED: Final = """
    SELECT FROM closed_events
    WHERE event_id = (SELECT event_id FROM seats WHERE seat_id = CAST(:seat_id AS uuid))
"""

# The `hold_id` of a sold seat is its order.
_CHANGE_OWNER: Final = text(
    f"""
    WITH {PRIOR},
    changed AS (
        UPDATE seats SET status = 'SOLD', owner_user_id = CAST(:new_owner_user_id AS uuid),
            price_paid = CAST(:price_paid AS numeric), purchased_at = clock_timestamp(), version = version + 1
        WHERE seat_id = CAST(:seat_id AS uuid) AND owner_user_id = CAST(:expected_owner_user_id AS uuid)
            AND hold_id = CAST(:expected_order_id AS uuid)
            AND status = CAST(:expected_status AS text) AND NOT EXISTS (SELECT FROM prior)
            AND (NOT CAST(:heeds_end_of_sale AS boolean) OR NOT EXISTS ({_CLOSED}))
        RETURNING *),
    {_CHANGED_SEAT}
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

_MOVE: Final = f"""
    WITH {PRIOR},
    changed AS (
        UPDATE seats SET status = '{{after}}', version = version + 1
        WHERE seat_id = CAST(:seat_id AS uuid) AND owner_user_id = CAST(:owner_user_id AS uuid)
            AND hold_id = CAST(:order_id AS uuid)
            AND status = '{{before}}' AND NOT EXISTS (SELECT FROM prior) {{condition}}
        RETURNING *),
    {_CHANGED_SEAT}
    {SELECT_ANSWER}
"""  # noqa: S608 - built of constants

_LIST: Final = text(_MOVE.format(before="SOLD", after="LISTED", condition=f"AND NOT EXISTS ({_CLOSED})"))
_WITHDRAW: Final = text(_MOVE.format(before="LISTED", after="SOLD", condition=""))
_IS_CLOSED: Final = text(f"SELECT EXISTS ({_CLOSED}) AS is_closed")

_GET: Final = text(f"SELECT {SEAT_COLUMNS} FROM seats WHERE seat_id = CAST(:seat_id AS uuid)")  # noqa: S608 - constants

_PAGE: Final = text(
    f"""
    SELECT {SEAT_COLUMNS} FROM seats
    WHERE event_id = CAST(:event_id AS uuid)
        AND hall_position > CAST(:after AS int)
    ORDER BY hall_position LIMIT CAST(:limit AS int)
    """  # noqa: S608 - built of constants
)

_ATTENDEES: Final = text(
    f"""
    SELECT {SEAT_COLUMNS}, created_at, updated_at FROM seats
    WHERE event_id = CAST(:event_id AS uuid) AND owner_user_id IS NOT NULL
        AND hall_position > CAST(:after AS int)
    ORDER BY hall_position LIMIT CAST(:limit AS int) OFFSET CAST(:offset AS int)
    """  # noqa: S608 - built of constants
)

_COUNT_SOLD: Final = text(
    """
    SELECT coalesce(sum(sold), 0) AS sold FROM (
        SELECT sold FROM seat_counts WHERE event_id = CAST(:event_id AS uuid)
        UNION ALL
        SELECT sold FROM seat_count_changes WHERE event_id = CAST(:event_id AS uuid)) AS counted
    """
)

_OWNED: Final = text(
    f"""
    SELECT {SEAT_COLUMNS} FROM seats WHERE owner_user_id = CAST(:user_id AS uuid)
    ORDER BY purchased_at DESC, seat_id LIMIT CAST(:limit AS int) OFFSET CAST(:offset AS int)
    """  # noqa: S608 - built of constants
)

_COUNT_OWNED: Final = text("SELECT count(*) FROM seats WHERE owner_user_id = CAST(:user_id AS uuid)")


# A seat keeps its order's id until it is reclaimed, so the lock covers all named seats or, without names, all that the order
# has left. The decision reads the locked rows, which are the newest; if it is negative, they are returned to explain the
# refusal.
_RECLAIM: Final = text(
    f"""
    WITH {PRIOR},
    owned AS MATERIALIZED (
        SELECT * FROM seats
        WHERE hold_id = CAST(:order_id AS uuid) AND status <> 'HELD' AND NOT EXISTS (SELECT FROM prior)
            AND (cardinality(CAST(:seat_ids AS uuid[])) = 0 OR seat_id = ANY(CAST(:seat_ids AS uuid[])))
        ORDER BY seat_id FOR UPDATE),
    verdict AS MATERIALIZED (
        SELECT count(*) > 0 AND cardinality(CAST(:seat_ids AS uuid[])) IN (0, count(*)) AND CASE
            WHEN CAST(:is_forced AS boolean) THEN bool_and(status IN ('SOLD', 'CHECKED_IN'))
            ELSE bool_and(status = 'SOLD' AND owner_user_id = CAST(:buyer_user_id AS uuid)) END AS may_reclaim
        FROM owned),
    freed AS (
        UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, owner_user_id = NULL, price_paid = NULL,
            purchased_at = NULL, admitted_at = NULL, version = version + 1
        WHERE seat_id = ANY(ARRAY(SELECT seat_id FROM owned)) AND (SELECT may_reclaim FROM verdict)
        RETURNING seat_id, event_id, category, row_rank),
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT event_id, category, count(*), 0, -count(*), 0 FROM freed GROUP BY event_id, category),
    {RAISE_ROWS},
    remembered AS ({STORE_RESULT}
            'seats', jsonb_agg(jsonb_build_object({SEAT_DOCUMENT}) ORDER BY hall_position)))
        FROM owned WHERE (SELECT may_reclaim FROM verdict) HAVING count(*) > 0
        RETURNING result)
    {SELECT_ANSWER},
        (SELECT jsonb_agg(jsonb_build_object({SEAT_DOCUMENT}) ORDER BY hall_position) FROM owned) AS seats
    """  # noqa: S608 - built of constants
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaimed:
    """An order's seats as they were before; `is_refused` if they could not be reclaimed."""

    seats: Sequence[Seat]
    is_new: bool
    is_refused: bool


class SeatRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._requests = IdempotencyStore(database)

    async def find(self, seat_id: uuid.UUID) -> Seat | None:
        row = await self._database.fetch_one(_GET, {"seat_id": seat_id})
        return read_seat(row) if row else None

    async def page(self, event_id: uuid.UUID, *, after: int, limit: int) -> tuple[list[Seat], int | None]:
        """Return up to `limit` seats after the hall position, and the last one's position if there are more."""
        rows = await self._database.fetch_all(_PAGE, {"event_id": event_id, "after": after, "limit": limit + 1})
        return await _page_of(rows, limit)

    async def attendees(
        self, event_id: uuid.UUID, *, after: int, offset: int, limit: int
    ) -> tuple[list[Seat], int | None]:
        """Return up to `limit` sold seats, as `page` does, after skipping `offset` of them."""
        parameters = {"event_id": event_id, "after": after, "offset": offset, "limit": limit + 1}
        return await _page_of(await self._database.fetch_all(_ATTENDEES, parameters), limit)

    async def count_sold(self, event_id: uuid.UUID) -> int:
        """Return the number of the event's owned seats, from the counts."""
        row = await self._database.fetch_one(_COUNT_SOLD, {"event_id": event_id})
        return int(row["sold"]) if row else 0

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[Seat], int]:
        """Return a page of the user's seats, newest first, and their total."""
        rows = await self._database.fetch_all(_OWNED, {"user_id": user_id, "offset": offset, "limit": limit})
        total = await self._database.fetch_one(_COUNT_OWNED, {"user_id": user_id})
        return await convert_in_chunks(read_seat, rows, of="seats"), int(total["count"]) if total else 0

    async def change_owner(self, command: ChangeOwner, request: ParticipantRequest) -> Change[Seat] | None:
        """Change the owner; None if the owner or the state is not the expected one, or the event's sale has ended."""
        parameters = {**asdict(command), "heeds_end_of_sale": command.heeds_end_of_sale}
        return await self._change(request, _CHANGE_OWNER, parameters, undoes_request_id=command.undoes_request_id)

    async def list_for_resale(self, command: Resale, request: ParticipantRequest) -> Change[Seat] | None:
        return await self._change(request, _LIST, asdict(command))

    async def is_closed(self, seat_id: uuid.UUID) -> bool:
        """Return whether the sale of the seat's event has ended. It never begins again."""
        row = await self._database.fetch_one(_IS_CLOSED, {"seat_id": seat_id})
        return bool(row and row["is_closed"])

    async def withdraw_from_resale(self, command: Resale, request: ParticipantRequest) -> Change[Seat] | None:
        return await self._change(request, _WITHDRAW, asdict(command))

    async def _change(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        *,
        undoes_request_id: uuid.UUID | None = None,
    ) -> Change[Seat] | None:
        attempt = await self._requests.attempt(request, statement, parameters, undoes_request_id=undoes_request_id)
        return change_of(attempt, read_seat)

    async def store(self, request: ParticipantRequest, seat: Seat) -> Seat:
        """Store the seat as the request's result."""
        return read_seat(await self._requests.store_done(request, asdict(seat)))

    async def refuse(self, request: ParticipantRequest, refusal: ServiceError) -> Seat:
        """Store the refusal and raise it. If a result was stored meanwhile, return that."""
        return read_seat(await self._requests.store_refusal(request, refusal))

    async def reclaim(self, command: ReclaimSeats) -> Reclaimed:
        """Free the order's seats, if all of them may be reclaimed.

        Raises:
            Busy: a seat could not be locked in time; nothing was decided.
            ServiceError: the refusal stored for this request.
        """
        attempt = await self._requests.attempt(request_of(command), _RECLAIM, asdict(command))
        seats = attempt.row["seats"] if attempt.done is None else attempt.done["seats"]
        return Reclaimed(seats=read_seats(seats or []), is_new=not attempt.is_replay, is_refused=attempt.done is None)

    async def refuse_reclaim(self, command: ReclaimSeats, refusal: ServiceError) -> Sequence[Seat]:
        """Store the refusal and raise it. If a result was stored meanwhile, return that."""
        return read_seats((await self._requests.store_refusal(request_of(command), refusal))["seats"])


async def _page_of(rows: Sequence[Row], limit: int) -> tuple[list[Seat], int | None]:
    """Return the seats of up to `limit` rows, and the last one's position if there are more."""
    seats = await convert_in_chunks(read_seat, rows[:limit], of="seats")
    return seats, rows[limit - 1]["hall_position"] if len(rows) > limit else None
