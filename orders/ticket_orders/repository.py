"""Orders in PostgreSQL."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import TOMBSTONE_FINGERPRINT, ParticipantRequest, RequestUndone, refused
from common.errors import ServiceError
from common.http.calls import UndoCall
from common.pages import Cursor
from orders.shared.repository import AggregateRepository
from orders.ticket_orders.errors import OrderAlreadyOpened, OrderInvalidState, OrderNotFound
from orders.ticket_orders.models import orders
from orders.ticket_orders.schemas import EndedOrder, EndOrder, OpenOrder, Order, OrderOfSeat, OrderWithHistory
from orders.ticket_orders.statements import ABANDON_REFUND, BEGIN_REFUND, END, MOVE, OPEN, ORDERS, order_json
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

_REFUND_STATUS: Final = text(
    "SELECT status, refund_begun_by IS NOT NULL AS is_begun FROM orders WHERE order_id = :order_id"
)

_FIND_BY_SEAT: Final = text(
    """
    SELECT order_id, user_id, event_id, status FROM order_seats JOIN orders USING (order_id)
    WHERE seat_id = :seat_id
    ORDER BY status = 'CONFIRMED' DESC, created_at DESC, order_id DESC LIMIT 1
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

        async def refuse() -> ServiceError:
            status = await self._status_of(order_id)
            return OrderNotFound() if status is None else OrderInvalidState(details={"status": status})

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
        if done is None:
            refusal = OrderInvalidState(details={"status": await self._status_of(order_id)})
            done = await self._store.store_refusal(request, refusal)
        return EndedOrder(**done)

    async def begin_refund(self, order_id: uuid.UUID, *, request_id: uuid.UUID) -> Order:
        """Refuse disputes of the order's tickets from now on.

        Raises:
            OrderNotFound: no such order.
            OrderInvalidState: it is not paid, or another refund has begun.
            TransferInvalidState: a ticket of it is disputed.
        """
        request = ParticipantRequest.of(request_id, "begin refund", order_id=order_id)

        async def refuse() -> ServiceError:
            row = await self._database.fetch_one(_REFUND_STATUS, {"order_id": order_id})
            if row is None:
                return OrderNotFound()
            if row["status"] != OrderStatus.CONFIRMED or row["is_begun"]:
                return OrderInvalidState(details={"status": row["status"]})
            return TransferInvalidState("A ticket of the order is disputed: decide that first.")

        return Order(**await self._store.answer(request, BEGIN_REFUND, {"order_id": order_id}, refuse=refuse))

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
    ) -> tuple[list[Order], int]:
        """Return one page, newest first, and the number on all pages; the orders of every user if `user_id` is None."""
        owned = () if user_id is None else (orders.c.user_id == user_id,)
        return await self._page(*owned, status=status, limit=limit, offset=offset, after=after)

    async def _status_of(self, order_id: uuid.UUID) -> str | None:
        row = await self._database.fetch_one(_STATUS_OF, {"order_id": order_id})
        return row["status"] if row else None


def _move_parameters(order_id: uuid.UUID, to_status: OrderStatus, reason: str | None) -> Mapping[str, Any]:
    return {
        "order_id": order_id,
        "from_status": REACHED_FROM[to_status],
        "to_status": to_status,
        "reason": reason,
    }
