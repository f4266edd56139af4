"""The orders service as its callers see it, for tests."""

from typing import Any

import httpx

from orders.ticket_orders.status import OrderStatus
from tests.support.callers import Caller, new_id


def opening(**changes: Any) -> dict[str, Any]:
    """Return the body that opens an order of two seats."""
    body: dict[str, Any] = {
        "request_id": new_id(),
        "order_id": new_id(),
        "user_id": new_id(),
        "event_id": new_id(),
        "total": "600.00",
        "held_until": "2027-01-01T10:05:00Z",
        "seats": [a_seat(seat_number=1), a_seat(seat_number=2, price="250.00")],
    }
    return {**body, **changes}


def a_seat(**changes: Any) -> dict[str, Any]:
    seat = {"seat_id": new_id(), "category": "CAT1", "row_number": "A", "seat_number": 1, "price": "350.00"}
    return {**seat, **changes}


class OrdersCaller:
    """Calls the orders routes. Ids that do not matter to a test are generated."""

    def __init__(self, orchestrator: Caller) -> None:
        self.orchestrator = orchestrator

    async def open(self, body: dict[str, Any]) -> httpx.Response:
        return await self.orchestrator.post("/internal/orders", body)

    async def confirm(self, order_id: str, *, request_id: str | None = None) -> httpx.Response:
        return await self._post(order_id, "confirm", request_id=request_id or new_id())

    async def end(
        self, order_id: str, *, undoes: str, status: str = "FAILED", request_id: str | None = None
    ) -> httpx.Response:
        body = {"request_id": request_id or new_id(), "undoes_request_id": undoes, "status": status}
        return await self._post(order_id, "end", **body, reason="HOLD_EXPIRED")

    async def begin_refund(self, order_id: str, *, request_id: str | None = None) -> httpx.Response:
        return await self._post(order_id, "begin-refund", request_id=request_id or new_id())

    async def begin_seat_refund(self, order_id: str, *seat_ids: str, request_id: str | None = None) -> httpx.Response:
        return await self._post(order_id, "begin-seat-refund", request_id=request_id or new_id(), seat_ids=[*seat_ids])

    async def refund_seats(self, order_id: str, *seat_ids: str, request_id: str | None = None) -> httpx.Response:
        facts = {"seat_ids": [*seat_ids], "reason": "EVENT_CANCELLED"}
        return await self._post(order_id, "refund-seats", request_id=request_id or new_id(), **facts)

    async def refundable(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.orchestrator.get(f"/internal/orders/{order_id}/refundable")).json()["data"]
        return found

    async def abandon_refund(self, order_id: str, *, undoes: str, request_id: str | None = None) -> httpx.Response:
        request_id = request_id or new_id()
        return await self._post(order_id, "abandon-refund", request_id=request_id, undoes_request_id=undoes)

    async def refund(
        self, order_id: str, *, request_id: str | None = None, reason: str = "EVENT_CANCELLED"
    ) -> httpx.Response:
        return await self._post(order_id, "refund", request_id=request_id or new_id(), reason=reason)

    async def find(self, order_id: str) -> httpx.Response:
        return await self.orchestrator.get(f"/internal/orders/{order_id}")

    async def move(self, order_id: str, to_status: OrderStatus, *, opened_by: str) -> httpx.Response:
        """Request a status by its route."""
        match to_status:
            case OrderStatus.CONFIRMED:
                return await self.confirm(order_id)
            case OrderStatus.REFUNDED:
                return await self.refund(order_id)
            case _:
                return await self.end(order_id, undoes=opened_by, status=to_status)

    async def opened(self, *, status: OrderStatus = OrderStatus.PENDING, **changes: Any) -> dict[str, Any]:
        """Open an order, bring it to `status`, and return the body that opened it."""
        body = opening(**changes)
        assert (await self.open(body)).status_code == 200
        path = {
            OrderStatus.PENDING: [],
            OrderStatus.REFUNDED: [OrderStatus.CONFIRMED, OrderStatus.REFUNDED],
        }.get(status, [status])
        for step in path:
            moved = await self.move(body["order_id"], step, opened_by=body["request_id"])
            assert moved.status_code == 200, moved.text
        return body

    async def _post(self, order_id: str, action: str, **body: Any) -> httpx.Response:
        return await self.orchestrator.post(f"/internal/orders/{order_id}/{action}", body)
