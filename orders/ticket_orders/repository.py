"""Orders in PostgreSQL."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, text

from common.db.engine import Database
from common.db.idempotency import (
    TOMBSTONE_FINGERPRINT,
    IdempotencyStore,
    ParticipantRequest,
    RequestUndone,
    refused,
)
from common.errors import ServiceError
from orders.shared.queries import Reader
from orders.ticket_orders.errors import OrderAlreadyOpened, OrderInvalidState, OrderNotFound
from orders.ticket_orders.models import orders
from orders.ticket_orders.schemas import EndedOrder, EndOrder, OpenOrder, Order, OrderOfSeat, OrderWithHistory
from orders.ticket_orders.statements import ABANDON_REFUND, BEGIN_REFUND, END, MOVE, OPEN, order_json
from orders.ticket_orders.status import REACHED_FROM, OrderStatus
from orders.transfers.errors import TransferInvalidState

__all__ = ["OrderRepository"]

# The first look may meet an opening, or another undo, in flight; it waits for it, and the second sees what came of it.
LOOKS: Final = 2

_TOMBSTONE: Final = {"tombstone_fingerprint": TOMBSTONE_FINGERPRINT, "tombstone": refused(RequestUndone())}

_FIND: Final = text(f"SELECT {order_json('orders')} AS found FROM orders WHERE order_id = :order_id")  # noqa: S608

_FIND_WITH_HISTORY: Final = text(
    f"""
    SELECT {order_json("orders")} || jsonb_build_object('history', (
        SELECT jsonb_agg(
            jsonb_build_object('from_status', from_status, 'to_status', to_status, 'at', at, 'reason', reason)
            ORDER BY history_id)
        FROM order_history WHERE order_history.order_id = orders.order_id)) AS found
    FROM orders WHERE order_id = :order_id
    """  # noqa: S608
)

_STATUS_OF: Final = text("SELECT status FROM orders WHERE order_id = :order_id")

_STANDING: Final = text("SELECT status, refund_begun_by IS NOT NULL AS is_begun FROM orders WHERE order_id = :order_id")

_FIND_BY_SEAT: Final = text(
    """
    SELECT order_id, user_id, event_id, status FROM order_seats JOIN orders USING (order_id)
    WHERE seat_id = :seat_id
    ORDER BY status = 'CONFIRMED' DESC, created_at DESC, order_id DESC LIMIT 1
    """
)


class OrderRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)
        self._reader = Reader(database, orders, order_json("orders"))

    async def open(self, opening: OpenOrder) -> Order:
        """Store a PENDING order.

        Raises:
            OrderAlreadyOpened: another request opened that order id.
            RequestUndone: the undo of this request came first.
        """
        request = ParticipantRequest.of(opening.request_id, "open", **opening.model_dump(exclude={"request_id"}))
        columns = opening.model_dump(include={"order_id", "user_id", "event_id", "total", "held_until"})
        seats = [seat.model_dump(mode="json") for seat in opening.seats]

        async def refuse() -> ServiceError:
            return OrderAlreadyOpened()

        return Order(**await self._memory.answer(request, OPEN, {**columns, "seats": seats}, refuse=refuse))

    async def move(
        self, order_id: uuid.UUID, to_status: OrderStatus, *, request_id: uuid.UUID, reason: str | None = None
    ) -> Order:
        """Move the order to `to_status`.

        Raises:
            OrderNotFound: no such order.
            OrderInvalidState: its status does not lead there.
        """
        request = ParticipantRequest.of(request_id, "move", order_id=order_id, to_status=to_status, reason=reason)
        parameters = _move_parameters(order_id, to_status, reason)

        async def refuse() -> ServiceError:
            status = await self._status_of(order_id)
            return OrderNotFound() if status is None else OrderInvalidState(details={"status": status})

        return Order(**await self._memory.answer(request, MOVE, parameters, refuse=refuse))

    async def end(self, order_id: uuid.UUID, ending: EndOrder) -> EndedOrder:
        """Undo an opening, also one that never came.

        Raises:
            OrderInvalidState: the order became something else; it cannot be undone.
        """
        arguments = ending.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(ending.request_id, "end", order_id=order_id, **arguments)
        parameters = {
            **_move_parameters(order_id, ending.status, ending.reason),
            **_TOMBSTONE,
            "undoes_request_id": ending.undoes_request_id,
        }
        for _ in range(LOOKS):
            attempt = await self._memory.attempt(request, END, parameters)
            if attempt.done is not None:
                return EndedOrder(**attempt.done)
        refusal = OrderInvalidState(details={"status": await self._status_of(order_id)})
        return EndedOrder(**await self._memory.remember_refusal(request, refusal))

    async def begin_refund(self, order_id: uuid.UUID, *, request_id: uuid.UUID) -> Order:
        """Let nobody dispute a ticket of the order from now on.

        Raises:
            OrderNotFound: no such order.
            OrderInvalidState: it is not paid, or another refund has begun.
            TransferInvalidState: a ticket of it is disputed.
        """
        request = ParticipantRequest.of(request_id, "begin refund", order_id=order_id)

        async def refuse() -> ServiceError:
            found = await self._database.fetch_one(_STANDING, {"order_id": order_id})
            if found is None:
                return OrderNotFound()
            if found["status"] != OrderStatus.CONFIRMED or found["is_begun"]:
                return OrderInvalidState(details={"status": found["status"]})
            return TransferInvalidState("A ticket of the order is disputed: decide that first.")

        return Order(**await self._memory.answer(request, BEGIN_REFUND, {"order_id": order_id}, refuse=refuse))

    async def abandon_refund(
        self, order_id: uuid.UUID, *, request_id: uuid.UUID, undoes_request_id: uuid.UUID
    ) -> EndedOrder:
        """Undo the beginning of a refund, also one that never came.

        Raises:
            OrderInvalidState: the refund was made.
        """
        request = ParticipantRequest.of(
            request_id, "abandon refund", order_id=order_id, undoes_request_id=undoes_request_id
        )
        parameters = {"order_id": order_id, "undoes_request_id": undoes_request_id}
        attempt = await self._memory.attempt(request, ABANDON_REFUND, parameters, undoes_request_id=undoes_request_id)
        if attempt.done is not None:
            return EndedOrder(**attempt.done)
        return EndedOrder(**await self._memory.remember_refusal(request, OrderInvalidState()))

    async def find(self, order_id: uuid.UUID) -> Order | None:
        found = await self._database.fetch_one(_FIND, {"order_id": order_id})
        return Order(**found["found"]) if found else None

    async def find_with_history(self, order_id: uuid.UUID) -> OrderWithHistory | None:
        found = await self._database.fetch_one(_FIND_WITH_HISTORY, {"order_id": order_id})
        return OrderWithHistory(**found["found"]) if found else None

    async def find_by_seat(self, seat_id: uuid.UUID) -> OrderOfSeat | None:
        """Return the CONFIRMED order that has the seat, or else the latest one that had it."""
        found = await self._database.fetch_one(_FIND_BY_SEAT, {"seat_id": seat_id})
        return OrderOfSeat(**found) if found else None

    async def page(
        self, *, user_id: uuid.UUID | None, status: OrderStatus | None, limit: int, offset: int
    ) -> tuple[list[Order], int]:
        """Return one page, newest first, and how many there are in all. Everybody's when `user_id` is None."""
        owned = [] if user_id is None else [orders.c.user_id == user_id]
        found, total = await self._reader.page([*owned, *_of_status(status)], limit=limit, offset=offset)
        return [Order(**each) for each in found], total

    async def oldest(self, event_id: uuid.UUID, *, status: OrderStatus | None, limit: int, offset: int) -> list[Order]:
        conditions = [orders.c.event_id == event_id, *_of_status(status)]
        return [Order(**each) for each in await self._reader.oldest(conditions, limit=limit, offset=offset)]

    async def counts(self, event_id: uuid.UUID) -> dict[OrderStatus, int]:
        """Return how many orders of the event there are of each status; statuses without one are left out."""
        counts = await self._reader.counts(event_id)
        return {OrderStatus(status): count for status, count in counts.items()}

    async def _status_of(self, order_id: uuid.UUID) -> str | None:
        found = await self._database.fetch_one(_STATUS_OF, {"order_id": order_id})
        return found["status"] if found else None


def _move_parameters(order_id: uuid.UUID, to_status: OrderStatus, reason: str | None) -> Mapping[str, Any]:
    return {
        "order_id": order_id,
        "from_status": REACHED_FROM[to_status],
        "to_status": to_status,
        "reason": reason,
    }


def _of_status(status: OrderStatus | None) -> list[ColumnElement[bool]]:
    return [] if status is None else [orders.c.status == status]
