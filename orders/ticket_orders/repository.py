"""Orders in PostgreSQL."""

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import TOMBSTONE_FINGERPRINT, ParticipantRequest, RequestUndone, refused
from common.errors import ServiceError
from common.http.calls import UndoCall
from common.pages import Cursor, Total
from common.rows import readable
from orders.shared.repository import AggregateRepository
from orders.ticket_orders.errors import OrderAlreadyOpened, OrderInvalidState, OrderNotFound
from orders.ticket_orders.models import orders
from orders.ticket_orders.schemas import (
    EndedOrder,
    EndOrder,
    OpenOrder,
    Order,
    OrderOfSeat,
    OrderWithHistory,
    OwnerChange,
    RefundableSeats,
    RefundSeats,
)
from orders.ticket_orders.statements import (
    ABANDON_REFUND,
    BEGIN_REFUND,
    BEGIN_SEAT_REFUND,
    END,
    MOVE,
    OPEN,
    ORDERS,
    OWNER_CHANGES,
    REFUND_SEATS,
    REFUNDABLE_ORDERS,
    REFUNDABLE_SEATS,
    order_json,
)
from orders.ticket_orders.status import REACHED_FROM, OrderStatus
from orders.transfers.errors import TransferInvalidState

_TOMBSTONE: Final = {"tombstone_fingerprint": TOMBSTONE_FINGERPRINT, "tombstone": refused(RequestUndone())}

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

_FIND_BY_SEAT: Final = text(
    """
    SELECT order_id, user_id, event_id, CASE WHEN refunded_at IS NULL THEN status ELSE 'REFUNDED' END AS status
    FROM order_seats JOIN orders USING (order_id)
    WHERE seat_id = :seat_id
    ORDER BY status = 'CONFIRMED' AND refunded_at IS NULL DESC, created_at DESC, order_id DESC LIMIT 1
    """
)


class OrderRepository(AggregateRepository[Order]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, ORDERS, Order)

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

        return Order(**await self._store.answer(request, OPEN, {**columns, "seats": seats}, refuse=refuse))

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
        refuse = partial(self._refusal, order_id)
        return Order(**await self._store.answer(request, MOVE, parameters, refuse=refuse))

    async def end(self, order_id: uuid.UUID, ending: EndOrder) -> EndedOrder:
        """Undo an opening, even if it never arrived.

        Raises:
            OrderInvalidState: the order has moved on; it cannot be undone.
        """
        arguments = ending.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(ending.request_id, "end", order_id=order_id, **arguments)
        parameters = {
            **_move_parameters(order_id, ending.status, ending.reason),
            **_TOMBSTONE,
            "undoes_request_id": ending.undoes_request_id,
        }
        done = await self._store.attempt_undo(request, END, parameters, undoes_request_id=None)
        return EndedOrder(**(done or await self._store.store_refusal(request, await self._refusal(order_id))))

    async def begin_refund(
        self, order_id: uuid.UUID, *, request_id: uuid.UUID, seat_ids: Sequence[uuid.UUID] | None = None
    ) -> Order:
        """Refuse disputes and other refunds of these seats, or of the whole order, from now on.

        Raises:
            OrderNotFound: no such order.
            OrderInvalidState: it is not paid, or another refund of one of the seats has begun.
            TransferInvalidState: one of the tickets is disputed.
        """
        named = {} if seat_ids is None else {"seat_ids": sorted(seat_ids)}
        request = ParticipantRequest.of(request_id, "begin refund", order_id=order_id, **named)
        statement = BEGIN_REFUND if seat_ids is None else BEGIN_SEAT_REFUND
        attempt = await self._store.attempt(request, statement, {"order_id": order_id, "seat_ids": seat_ids})
        if attempt.done is not None:
            return Order(**attempt.done)
        if attempt.row["obstacle"] == "dispute":
            refusal: ServiceError = TransferInvalidState("A ticket of the order is disputed: decide that first.")
        else:
            refusal = await self._refusal(order_id)
        return Order(**await self._store.store_refusal(request, refusal))

    async def refund_seats(self, order_id: uuid.UUID, refund: RefundSeats) -> EndedOrder:
        """Note that these seats are refunded; with the last of its seats, the order is REFUNDED.

        Raises:
            OrderNotFound: no such order.
            OrderInvalidState: no refund of them has begun.
        """
        arguments = {"seat_ids": sorted(refund.seat_ids), "reason": refund.reason}
        request = ParticipantRequest.of(refund.request_id, "refund seats", order_id=order_id, **arguments)
        parameters = {"order_id": order_id, **arguments}
        refuse = partial(self._refusal, order_id)
        return EndedOrder(**await self._store.answer(request, REFUND_SEATS, parameters, refuse=refuse))

    async def refundable_seats(self, order_id: uuid.UUID) -> RefundableSeats | None:
        """Return the seats that a refund may begin for; None if the order is not paid, or refunded as a whole."""
        row = await self._database.fetch_one(REFUNDABLE_SEATS, {"order_id": order_id})
        return RefundableSeats(**row) if row else None

    async def refundable_orders(self, event_id: uuid.UUID, *, limit: int, offset: int) -> list[RefundableSeats]:
        """Return an event's orders that have such seats, oldest first."""
        parameters = {"event_id": event_id, "limit": limit, "offset": offset}
        rows = await self._database.fetch_all(REFUNDABLE_ORDERS, parameters)
        return readable(rows, RefundableSeats.model_validate, of="order_seats")

    async def owner_changes(self, order_id: uuid.UUID) -> list[OwnerChange]:
        """Return the completed changes of the owners of the order's tickets, oldest first."""
        return [OwnerChange(**row) for row in await self._database.fetch_all(OWNER_CHANGES, {"order_id": order_id})]

    async def abandon_refund(self, order_id: uuid.UUID, undo: UndoCall) -> EndedOrder:
        """Undo the beginning of a refund, even if it never arrived.

        Raises:
            OrderInvalidState: the refund was made.
        """
        undone = undo.undoes_request_id
        request = ParticipantRequest.of(undo.request_id, "abandon refund", order_id=order_id, undoes_request_id=undone)
        parameters = {"order_id": order_id, "undoes_request_id": undone}
        attempt = await self._store.attempt(request, ABANDON_REFUND, parameters, undoes_request_id=undone)
        return EndedOrder(**(attempt.done or await self._store.store_refusal(request, OrderInvalidState())))

    async def find_with_history(self, order_id: uuid.UUID) -> OrderWithHistory | None:
        row = await self._database.fetch_one(_FIND_WITH_HISTORY, {"order_id": order_id})
        return OrderWithHistory(**row["found"]) if row else None

    async def find_by_seat(self, seat_id: uuid.UUID) -> OrderOfSeat | None:
        """Return the CONFIRMED order that has the seat, or else the latest one that had it."""
        row = await self._database.fetch_one(_FIND_BY_SEAT, {"seat_id": seat_id})
        return OrderOfSeat(**row) if row else None

    async def page(
        self,
        *,
        user_id: uuid.UUID | None,
        status: OrderStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[Order], Total]:
        """Return one page, newest first, and the number on all pages; the orders of every user if `user_id` is None."""
        owned = () if user_id is None else (orders.c.user_id == user_id,)
        return await self._page(*owned, status=status, limit=limit, offset=offset, after=after)

    async def _refusal(self, order_id: uuid.UUID) -> ServiceError:
        """Return the reason why an order did not move."""
        row = await self._database.fetch_one(_STATUS_OF, {"order_id": order_id})
        return OrderInvalidState(details={"status": row["status"]}) if row else OrderNotFound()


def _move_parameters(order_id: uuid.UUID, to_status: OrderStatus, reason: str | None) -> Mapping[str, Any]:
    return {
        "order_id": order_id,
        "from_status": REACHED_FROM[to_status],
        "to_status": to_status,
        "reason": reason,
    }
