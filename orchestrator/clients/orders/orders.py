"""The orders service's ticket orders."""

import uuid

from pydantic import BaseModel, ConfigDict

from common.errors import NotFound
from common.money import Money
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

    async def begin_refund(self, call: Call, *, order_id: uuid.UUID) -> None:
        """Block new disputes about the order's tickets. If a ticket is already disputed: TRANSFER_INVALID_STATE."""
        await self._post(order_id, "begin-refund", call)

    async def abandon_refund(self, call: Call, *, order_id: uuid.UUID) -> None:
        await self._post(order_id, "abandon-refund", call)

    async def refund(self, call: Call, *, order_id: uuid.UUID, reason: str) -> None:
        await self._post(order_id, "refund", call, reason=reason)

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
