"""Digital orders through the gateway: ordered, and looked at until they have a status."""

from collections.abc import Mapping
from typing import Any, Final

from tests.e2e.conftest import Providers
from tests.e2e.user_client import UserClient
from tests.support.waiting import eventually

PRODUCT_ID: Final = "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1"
"""A seeded product that the supplier always has, for 15.00."""
BY_CRYPTO: Final[dict[str, Any]] = {"pay_with": "crypto", "pay_currency": "btc"}


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


async def provider_id_of(buyer: UserClient, admin: UserClient) -> str:
    """Return NOWPayments' id of the buyer's only payment."""
    [payment] = (await buyer.get("/payments")).data
    listed = (await admin.get("/admin/payments")).data
    [name] = [each["provider_payment_id"] for each in listed if each["payment_id"] == payment["payment_id"]]
    return str(name)


async def reservation_of(providers: Providers, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the supplier's record of an item, with its codes once it has delivered."""
    [unit] = await providers.read("/supplier", request_id=item["item_id"])
    return dict(unit)


async def supply(
    providers: Providers, item: Mapping[str, Any], status: str = "delivered", **notice: Any
) -> dict[str, Any]:
    """Let the supplier report on a reserved item; return what it says of its webhook."""
    reservation_id = (await reservation_of(providers, item))["reservation_id"]
    sent: dict[str, Any] = await providers(f"/supplier/{reservation_id}", status=status, **notice)
    return sent


async def deliver(fan: UserClient, providers: Providers, order_id: str) -> dict[str, Any]:
    """Let the supplier deliver every item of a paid order, and return the order once it is fulfilled."""
    for item in (await until_status(fan, order_id, "WAITING"))["items"]:
        await supply(providers, item)
    return await until_status(fan, order_id, "FULFILLED")
