"""What buyers and admins see of digital orders."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.orders.digital_orders.digital_order_caller import PATHS, DigitalOrderCaller, Order, digital_order
from tests.support.callers import Caller

MINE, ALL = "/api/digital-orders", "/api/admin/digital-orders"
SHOWN = [status for status in PATHS if status != "OPENING"]


def ids_of(answer: Any) -> list[str]:
    return [order["order_id"] for order in answer.json()["data"]]


@pytest.fixture
async def ordered(fan: Caller, goods: DigitalOrderCaller) -> Sequence[Order]:
    """One of the fan's orders of each status, and another buyer's."""
    await goods.at("PAID")
    buyer = uuid.UUID(fan.user_id)
    return [await goods.at(status, digital_order(buyer_user_id=buyer)) for status in PATHS]


async def test_list_has_the_callers_orders_newest_first(fan: Caller, ordered: Sequence[Order]) -> None:
    found = await fan.get(MINE)
    first = await fan.get(MINE, per_page=5)
    second = await fan.get(MINE, per_page=5, after=first.json()["pagination"]["next"])

    visible = [str(order.key) for order, status in zip(ordered, PATHS, strict=True) if status != "OPENING"]
    assert ids_of(found) == visible[::-1]
    assert ids_of(first) + ids_of(second) == visible[::-1]
    assert {order["status"]: order["fulfillment_status"] for order in found.json()["data"]} == {
        "CREATED": "awaiting_payment",
        "PAID": "reserving",
        "WAITING": "waiting",
        "READY": "ready",
        "FULFILLED": "delivered",
        "FAILED": "failed",
        "REFUNDED": "refunded",
        "CANCELLED": "cancelled",
    }


async def test_list_filters_by_status(fan: Caller, ordered: Sequence[Order]) -> None:
    found = {status: ids_of(await fan.get(MINE, status=status)) for status in SHOWN}

    of_status = {status: [str(order.key)] for order, status in zip(ordered, PATHS, strict=True)}
    assert found == {status: of_status[status] for status in SHOWN}


@pytest.mark.parametrize("wrong", [{"status": "OPENING"}, {"status": "paid"}, {"per_page": 101}], ids=str)
async def test_unknown_filter_is_refused(fan: Caller, wrong: dict[str, Any]) -> None:
    assert (await fan.get(MINE, **wrong)).status_code == 400


async def test_admin_filters_those_of_all_buyers(admin: Caller, fan: Caller, goods: DigitalOrderCaller) -> None:
    buyer = uuid.UUID(fan.user_id)
    paid = str((await goods.at("PAID", digital_order(buyer_user_id=buyer))).key)
    failed = str((await goods.at("FAILED", digital_order(buyer_user_id=buyer))).key)
    other = str((await goods.at("PAID")).key)

    assert ids_of(await admin.get(ALL, per_page=3)) == [other, failed, paid]
    assert ids_of(await admin.get(ALL, buyer_user_id=fan.user_id)) == [failed, paid]
    assert ids_of(await admin.get(ALL, buyer_user_id=fan.user_id, status="FAILED")) == [failed]
    assert (await fan.get(ALL)).status_code == 403


async def test_order_is_shown_to_its_buyer_and_admins_without_codes(
    fan: Caller, admin: Caller, goods: DigitalOrderCaller
) -> None:
    order = await goods.at("READY", digital_order(buyer_user_id=uuid.UUID(fan.user_id)))

    for caller in (fan, admin):
        shown = (await caller.get(f"{MINE}/{order.key}")).json()["data"]
        assert (shown["status"], shown["total"], len(shown["items"])) == ("READY", "20.00", 2)
        assert [shown[name] for name in ("failure_code", "failure_message")] == [None, None]
        assert {item["failure"] for item in shown["items"]} == {None}
        assert set(shown["items"][0]) == {"item_id", "product_id", "name", "price", "status", "failure"}
        assert not {"storage_ref", "codes"} & set(shown)


async def test_order_is_hidden_from_others(fan: Caller, goods: DigitalOrderCaller) -> None:
    others, opening = await goods.at("READY"), await goods.at("OPENING")

    refused = [await fan.get(f"{MINE}/{key}") for key in (others.key, opening.key, uuid.uuid4())]

    assert [answer.json().get("error_code") for answer in refused] == [
        "FORBIDDEN",
        "ORDER_NOT_FOUND",
        "ORDER_NOT_FOUND",
    ]
