"""Digital orders through the gateway: ordered, and looked at until they have a status."""

from typing import Any, Final

from tests.e2e.user_client import UserClient
from tests.support.waiting import eventually

PRODUCT_ID: Final = "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1"
"""A seeded product that the supplier always has, for 15.00."""


def request_for(quantity: int = 2, **more: Any) -> dict[str, Any]:
    return {"items": [{"product_id": PRODUCT_ID, "quantity": quantity}]} | more


async def order_goods(fan: UserClient, quantity: int = 2, **more: Any) -> str:
    """Order by credits, unless told otherwise, and return the order's id."""
    placed = await fan.post("/digital-orders", request_for(quantity, **more))
    assert placed.status == 201, placed.body
    order_id: str = placed.data["order_id"]
    return order_id


async def until_status(fan: UserClient, order_id: str, *statuses: str) -> dict[str, Any]:
    """Return an order as its buyer sees it, once it has one of the statuses."""

    async def look() -> dict[str, Any]:
        shown = (await fan.get(f"/fulfillment/{order_id}/status")).data
        assert shown["status"] in statuses, shown
        return dict(shown)

    return await eventually(look)
