"""Single seats and pages of them: reading, and the tickets' changes of owner."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.sql import Executable

from common.db.engine import Database, Row
from common.db.idempotency import SELECT_ANSWER, IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from inventory.chunks import convert_in_chunks
from inventory.repository.fragments import PRIOR, REMEMBER, SEAT_COLUMNS, SEAT_DOCUMENT
from inventory.schemas import ChangeOwner, Resale, Seat, SeatStatus

__all__ = ["ChangedSeat", "SeatRepository", "remembered_seat"]

_CHANGED_SEAT: Final = f"""
    remembered AS ({REMEMBER} {SEAT_DOCUMENT}))
        FROM changed
        RETURNING result)
"""

# A seat stays with its event, so the snapshot knows which one it is.
_CLOSED: Final = """
    SELECT FROM closed_events
    WHERE event_id = (SELECT event_id FROM seats WHERE seat_id = CAST(:seat_id AS uuid))
"""

# `hold_id` is the order that a seat was sold with.
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
    SELECT {SEAT_COLUMNS} FROM seats
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSeat:
    seat: Seat
    is_new: bool


class SeatRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)

    async def find(self, seat_id: uuid.UUID) -> Seat | None:
        row = await self._database.fetch_one(_GET, {"seat_id": seat_id})
        return _seat_of(row) if row else None

    async def page(self, event_id: uuid.UUID, *, after: int, limit: int) -> tuple[list[Seat], int | None]:
        """Return up to `limit` seats behind that hall position, and the last one's position if more follow."""
        rows = await self._database.fetch_all(_PAGE, {"event_id": event_id, "after": after, "limit": limit + 1})
        return await _page_of(rows, limit)

    async def attendees(
        self, event_id: uuid.UUID, *, after: int, offset: int, limit: int
    ) -> tuple[list[Seat], int | None]:
        """Return up to `limit` sold seats, as `page` does; `offset` of them are skipped."""
        parameters = {"event_id": event_id, "after": after, "offset": offset, "limit": limit + 1}
        return await _page_of(await self._database.fetch_all(_ATTENDEES, parameters), limit)

    async def count_sold(self, event_id: uuid.UUID) -> int:
        """Return how many seats of the event somebody owns, without looking at them."""
        row = await self._database.fetch_one(_COUNT_SOLD, {"event_id": event_id})
        return int(row["sold"]) if row else 0

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[Seat], int]:
        """Return a page of what the user owns, newest first, and how many there are in all."""
        rows = await self._database.fetch_all(_OWNED, {"user_id": user_id, "offset": offset, "limit": limit})
        total = await self._database.fetch_one(_COUNT_OWNED, {"user_id": user_id})
        return await convert_in_chunks(_seat_of, rows), int(total["count"]) if total else 0

    async def change_owner(self, command: ChangeOwner, request: ParticipantRequest) -> ChangedSeat | None:
        """Hand the ticket over; None when it is not the expected owner's, in another state, or its sale ended."""
        parameters = {
            "seat_id": command.seat_id,
            "expected_order_id": command.expected_order_id,
            "expected_owner_user_id": command.expected_owner_user_id,
            "new_owner_user_id": command.new_owner_user_id,
            "price_paid": command.price_paid,
            "expected_status": command.expected_status,
            "heeds_end_of_sale": command.heeds_end_of_sale,
        }
        return await self._change(request, _CHANGE_OWNER, parameters, undoes_request_id=command.undoes_request_id)

    async def list_for_resale(self, command: Resale, request: ParticipantRequest) -> ChangedSeat | None:
        return await self._change(request, _LIST, _ticket_of(command))

    async def is_closed(self, seat_id: uuid.UUID) -> bool:
        """Tell whether the sale of the seat's event has ended. It never begins again."""
        row = await self._database.fetch_one(_IS_CLOSED, {"seat_id": seat_id})
        return bool(row and row["is_closed"])

    async def withdraw_from_resale(self, command: Resale, request: ParticipantRequest) -> ChangedSeat | None:
        return await self._change(request, _WITHDRAW, _ticket_of(command))

    async def _change(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        *,
        undoes_request_id: uuid.UUID | None = None,
    ) -> ChangedSeat | None:
        attempt = await self._memory.attempt(request, statement, parameters, undoes_request_id=undoes_request_id)
        if attempt.done is None:
            return None
        return ChangedSeat(seat=remembered_seat(attempt.done), is_new=not attempt.is_replay)

    async def remember(self, request: ParticipantRequest, seat: Seat) -> Seat:
        """Answer the request with the seat as it is."""
        return remembered_seat(await self._memory.store_done(request, _done_of(seat)))

    async def refuse(self, request: ParticipantRequest, refusal: ServiceError) -> Seat:
        """Remember the refusal and raise it; an answer that was remembered meanwhile goes before it."""
        return remembered_seat(await self._memory.store_refusal(request, refusal))


def _ticket_of(command: Resale) -> dict[str, object]:
    return {"seat_id": command.seat_id, "order_id": command.order_id, "owner_user_id": command.owner_user_id}


async def _page_of(rows: Sequence[Row], limit: int) -> tuple[list[Seat], int | None]:
    """Return the seats of up to `limit` rows, and the last one's position if there are more."""
    seats = await convert_in_chunks(_seat_of, rows[:limit])
    return seats, rows[limit - 1]["hall_position"] if len(rows) > limit else None


def _seat_of(row: Row) -> Seat:
    return Seat(
        seat_id=row["seat_id"],
        event_id=row["event_id"],
        category=row["category"],
        row_number=row["row_number"],
        seat_number=row["seat_number"],
        price=row["price"],
        status=SeatStatus(row["status"]),
        owner_user_id=row["owner_user_id"],
        price_paid=row["price_paid"],
        purchased_at=row["purchased_at"],
        order_id=row["order_id"],
    )


def remembered_seat(done: Mapping[str, Any]) -> Seat:
    """Read a seat out of an answer, where `SEAT_DOCUMENT` put it."""
    return Seat(
        seat_id=uuid.UUID(done["seat_id"]),
        event_id=uuid.UUID(done["event_id"]),
        category=done["category"],
        row_number=done["row_number"],
        seat_number=done["seat_number"],
        price=Decimal(done["price"]),
        status=SeatStatus(done["status"]),
        owner_user_id=uuid.UUID(done["owner_user_id"]),
        price_paid=Decimal(done["price_paid"]),
        purchased_at=datetime.fromisoformat(done["purchased_at"]),
        order_id=uuid.UUID(done["order_id"]),
    )


def _done_of(seat: Seat) -> dict[str, Any]:
    return {
        "seat_id": str(seat.seat_id),
        "event_id": str(seat.event_id),
        "category": seat.category,
        "row_number": seat.row_number,
        "seat_number": seat.seat_number,
        "price": str(seat.price),
        "status": str(seat.status),
        "owner_user_id": str(seat.owner_user_id),
        "price_paid": str(seat.price_paid),
        "purchased_at": seat.purchased_at.isoformat() if seat.purchased_at else None,
        "order_id": str(seat.order_id),
    }
