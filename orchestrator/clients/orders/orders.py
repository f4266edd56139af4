"""The orders service's order book."""

import uuid
from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.errors import NotFound
from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.models import Hold
from orchestrator.saga_engine.plan import Call

__all__ = ["OrderFacts", "OrdersClient"]


class OrderFacts(BaseModel):
    """An order as the orders service has it."""

    model_config = ConfigDict(extra="ignore")

    order_id: uuid.UUID
    user_id: uuid.UUID
    event_id: uuid.UUID
    status: str
    total: Money


class OrdersClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def open(
        self, call: Call, *, order_id: uuid.UUID, user_id: uuid.UUID, event_id: uuid.UUID, hold: Hold
    ) -> None:
        await self._orders.post(
            "/internal/orders",
            {
                "request_id": call.request_id,
                "order_id": order_id,
                "user_id": user_id,
                "event_id": event_id,
                "total": f"{hold.total:.2f}",
                "held_until": hold.held_until,
                "seats": [seat.model_dump(mode="json") for seat in hold.seats],
            },
        )

    async def confirm(self, call: Call, *, order_id: uuid.UUID) -> None:
        await self._orders.post(f"/internal/orders/{order_id}/confirm", {"request_id": call.request_id})

    async def end(self, call: Call, *, order_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the order becomes FAILED or CANCELLED, for the reason the call gives."""
        await self._orders.post(
            f"/internal/orders/{order_id}/end",
            {
                "request_id": call.request_id,
                "undoes_request_id": call.undoes_request_id,
                "status": status,
                "reason": call.reason,
            },
        )

    async def begin_refund(self, call: Call, *, order_id: uuid.UUID) -> None:
        """Let no ticket of the order be disputed from now on. One is already: TRANSFER_INVALID_STATE."""
        await self._orders.post(f"/internal/orders/{order_id}/begin-refund", {"request_id": call.request_id})

    async def abandon_refund(self, call: Call, *, order_id: uuid.UUID) -> None:
        await self._orders.post(
            f"/internal/orders/{order_id}/abandon-refund",
            {"request_id": call.request_id, "undoes_request_id": call.undoes_request_id},
        )

    async def refund(self, call: Call, *, order_id: uuid.UUID, reason: str) -> None:
        await self._orders.post(
            f"/internal/orders/{order_id}/refund", {"request_id": call.request_id, "reason": reason}
        )

    async def find(self, order_id: uuid.UUID) -> OrderFacts:
        """Return an order.

        Raises:
            NotFound: ORDER_NOT_FOUND.
        """
        return OrderFacts.model_validate(await self._orders.get(f"/internal/orders/{order_id}"))

    async def status_of_seat(self, seat_id: uuid.UUID) -> str | None:
        """Return the status of the seat's order: the confirmed one, else the latest; None when it never had one.

        Raises:
            Unavailable: the orders service gives no answer.
        """
        try:
            order = await self._orders.get(f"/internal/orders/by-seat/{seat_id}")
        except NotFound as error:
            if error.code != "ORDER_NOT_FOUND":  # no such path is no answer
                raise
            return None
        return str(order["status"])

    async def of_event(self, event_id: uuid.UUID, *, status: str, limit: int, offset: int = 0) -> list[OrderFacts]:
        """Return an event's orders of a status, oldest first."""
        query: dict[str, Any] = {"event_id": str(event_id), "status": status, "limit": limit, "offset": offset}
        return [OrderFacts.model_validate(order) for order in await self._orders.get("/internal/orders", query)]

    async def counts(self, event_id: uuid.UUID) -> Counter[str]:
        """Return how many orders an event has, by status."""
        return Counter(await self._orders.get("/internal/orders/counts", {"event_id": str(event_id)}))
