"""Subscriptions to performers through the gateway."""

import asyncio
from typing import Any

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan, MakePerformer
from tests.e2e.performer import Performer, balances, item_of
from tests.e2e.test_notifications import Inbox
from tests.e2e.user_client import ApiResponse, UserClient


async def subscribe(fan: UserClient, performer: Performer, key: str | None = None) -> ApiResponse:
    return await fan.post(f"/performers/{performer.performer_id}/subscription", key=key)


async def subscription_of(fan: UserClient) -> dict[str, Any]:
    [subscription] = (await fan.get("/subscriptions")).data
    found: dict[str, Any] = subscription
    return found


async def test_subscription_is_paid_once_and_listed_on_both_sides(
    platform: Stack, fan: UserClient, new_performer: MakePerformer
) -> None:
    performer = await new_performer(subscription_price="15.00")
    answers = [await subscribe(fan, performer) for _ in range(3)]
    assert {answer.status for answer in answers} <= {200, 201}
    assert await balances(fan, performer) == ("985.00", "15.00")
    subscription = await subscription_of(fan)
    assert (subscription["performer_id"], subscription["price"]) == (performer.performer_id, "15.00")
    assert subscription["renews"] is True
    [subscriber] = (await performer.client.get("/performer/subscribers")).data
    assert subscriber["ends_at"] == subscription["ends_at"]
    [item] = (await fan.get("/purchased-items")).data
    assert (item["type"], item["status"], item["target"]) == ("subscription", "success", "subscription")
    assert (await item_of(fan, item["purchased_item_id"]))["settlement_status"] == "settled"
    email = await Inbox(platform, fan).email_about("You are subscribed to Nova")
    assert "15.00 credits" in email["text"]


async def test_cancelled_subscription_lasts_until_its_end_and_can_be_resumed(
    platform: Stack, fan: UserClient, new_performer: MakePerformer
) -> None:
    performer = await new_performer(subscription_price="15.00")
    await subscribe(fan, performer)
    path = f"/performers/{performer.performer_id}/subscription"
    for _ in range(2):
        assert await fan.delete(path) in {200, 204}
    cancelled = await subscription_of(fan)
    assert (cancelled["renews"], cancelled["is_active"]) == (False, True)
    await Inbox(platform, fan).email_about("Your subscription to Nova has been cancelled")
    await subscribe(fan, performer)
    assert (await subscription_of(fan))["renews"] is True
    assert await fan.balance() == "985.00"


async def test_fan_does_not_name_the_price(fan: UserClient, new_performer: MakePerformer) -> None:
    performer = await new_performer(subscription_price="15.00")
    path = f"/performers/{performer.performer_id}/subscription"
    for body in ({"price": "0.01"}, {"amount": "15.00"}):
        assert (await fan.post(path, body)).refused() == (400, "VALIDATION_ERROR")
    assert (await fan.get("/subscriptions")).data == []
    assert (await fan.post(path, {})).status == 200


async def test_too_few_credits_start_no_subscription(new_fan: MakeFan, new_performer: MakePerformer) -> None:
    fan, performer = await new_fan(balance="14.99"), await new_performer(subscription_price="15.00")
    assert (await subscribe(fan, performer)).refused() == (402, "INSUFFICIENT_CREDITS")
    assert (await fan.get("/subscriptions")).data == []


async def test_performer_without_a_price_has_no_subscribers(fan: UserClient, performer: Performer) -> None:
    assert (await subscribe(fan, performer)).refused() == (409, "ITEM_INACTIVE")


async def test_concurrent_requests_with_one_key_pay_once(fan: UserClient, new_performer: MakePerformer) -> None:
    performer = await new_performer(subscription_price="15.00")
    answers = await asyncio.gather(*(subscribe(fan, performer, key="k") for _ in range(20)))
    assert {answer.status for answer in answers} <= {200, 201, 202, 409}
    assert await fan.balance() == "985.00"
