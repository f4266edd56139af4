"""The orders service's ticket orders."""

import uuid
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from common.errors import NotFound
from common.money import Money
from common.rows import readable
from orchestrator.clients.models import Hold
from orchestrator.clients.orders.aggregate import AggregateClient
from orchestrator.saga_engine.plan import Call


class OrderFacts(BaseModel):
    """An order in the orders service."""

    model_config = ConfigDict(extra="ignore")

    order_id: uuid.UUID
    user_id: uuid.UUID
    event_id: uuid.UUID
    status: str
    total: Money


class RefundableSeats(BaseModel):
    """The seats of an order whose refund may begin."""

    model_config = ConfigDict(extra="ignore")

    order_id: uuid.UUID
    seat_ids: tuple[uuid.UUID, ...]


class OwnerChange(BaseModel):
    """A completed transfer or sale of a ticket."""

    model_config = ConfigDict(extra="ignore")

    seat_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    price: Money


class OrdersClient(AggregateClient[OrderFacts]):
    path = "/internal/orders"
    facts = OrderFacts

    async def open(
        self, call: Call, *, order_id: uuid.UUID, user_id: uuid.UUID, event_id: uuid.UUID, hold: Hold
    ) -> None:
        await self._open(
            call,
            order_id=order_id,
            user_id=user_id,
            event_id=event_id,
            total=f"{hold.total:.2f}",
            held_until=hold.held_until,
            seats=[seat.model_dump(mode="json") for seat in hold.seats],
        )

    async def confirm(self, call: Call, *, order_id: uuid.UUID) -> None:
        await self._post(order_id, "confirm", call)

    async def end(self, call: Call, *, order_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the order becomes FAILED or CANCELLED, for the reason that the call gives."""
        await self._post(order_id, "end", call, status=status, reason=call.reason)

    async def begin_refund(self, call: Call, *, order_id: uuid.UUID, seat_ids: Sequence[uuid.UUID] = ()) -> None:
        """Block disputes and other refunds of these seats, or of the whole order.

        Refusals: TRANSFER_INVALID_STATE, a ticket is disputed; ORDER_INVALID_STATE, a refund of one has begun.
        """
        if seat_ids:
            await self._post(order_id, "begin-seat-refund", call, seat_ids=seat_ids)
        else:
            await self._post(order_id, "begin-refund", call)

    async def abandon_refund(self, call: Call, *, order_id: uuid.UUID) -> None:
        await self._post(order_id, "abandon-refund", call)

    async def refund(self, call: Call, *, order_id: uuid.UUID, reason: str, seat_ids: Sequence[uuid.UUID] = ()) -> str:
        """Note the refund of these seats, or of the whole order, and return the order's status."""
        if not seat_ids:
            await self._post(order_id, "refund", call, reason=reason)
            return "REFUNDED"
        noted = await self._post(order_id, "refund-seats", call, reason=reason, seat_ids=seat_ids)
        return str(noted["status"])

    async def refundable_seats(self, order_id: uuid.UUID) -> RefundableSeats:
        """Return the seats of an order whose refund may begin; none if it is not paid, or refunded."""
        return RefundableSeats.model_validate(await self._orders.get(f"{self.path}/{order_id}/refundable"))

    async def refundable_orders(self, event_id: uuid.UUID, *, limit: int, offset: int) -> list[RefundableSeats]:
        """Return an event's orders that have such seats, oldest first."""
        query = {"event_id": str(event_id), "limit": limit, "offset": offset}
        rows = await self._orders.get(f"{self.path}/refundable", query)
        return readable(rows, RefundableSeats.model_validate, of="order_seats")

    async def owner_changes(self, order_id: uuid.UUID) -> list[OwnerChange]:
        """Return the completed transfers and sales of an order's tickets, oldest first, without reversed transfers."""
        rows = await self._orders.get(f"{self.path}/{order_id}/owner-changes")
        return [OwnerChange.model_validate(row) for row in rows]

    async def status_of_seat(self, seat_id: uuid.UUID) -> str | None:
        """Return the status of the seat's order: the confirmed one, else the latest; None if it never had one.

        Raises:
            Unavailable: the orders service does not respond.
        """
        try:
            order = await self._orders.get(f"{self.path}/by-seat/{seat_id}")
        except NotFound as error:
            if error.code != "ORDER_NOT_FOUND":  # the route is missing, which says nothing about the order
                raise
            return None
        return str(order["status"])
