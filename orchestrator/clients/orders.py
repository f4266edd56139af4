"""The orders service's order book."""

import uuid

from common.http.client import ServiceClient
from orchestrator.engine.plan import Call
from orchestrator.sagas.participants import Hold

__all__ = ["OrdersBook"]


class OrdersBook:
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
        await self._orders.post(
            f"/internal/orders/{order_id}/end",
            {
                "request_id": call.request_id,
                "undoes_request_id": call.undoes_request_id,
                "status": status,
                "reason": call.reason,
            },
        )
