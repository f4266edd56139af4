"""Webhook deliveries to integrators are signed, retried, listed, replayed, and stop when a subscription is disabled."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from tests.e2e.user_client import Concert, UserClient
from tests.e2e.webhook_receiver import WebhookReceiver
from tests.support.waiting import eventually


async def bought(fan: UserClient, concert: Concert) -> str:
    order_id = str((await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"])
    assert (await fan.pay(order_id)).status == 200
    return order_id


async def deliveries(admin: UserClient, subscription: dict[str, Any], order_status: str) -> list[dict[str, Any]]:
    path = f"/admin/webhook-subscriptions/{subscription['subscription_id']}/deliveries"

    async def look() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await admin.get(path)).data
        assert found
        assert found[0]["status"] == order_status, found[0]
        return found

    return await eventually(look)


async def test_delivery_is_signed_and_can_be_replayed(
    *,
    admin: UserClient,
    fan: UserClient,
    concert: Concert,
    webhook_receiver: WebhookReceiver,
    subscription: dict[str, Any],
) -> None:
    order_id = await bought(fan, concert)
    [delivery] = await deliveries(admin, subscription, "DELIVERED")
    [(headers, body)] = webhook_receiver.about_order(order_id)
    assert (body["type"], body["data"]["user_id"]) == ("order.confirmed", fan.user_id)
    assert headers["webhook-id"] == delivery["delivery_id"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + webhook_receiver.received[0][1]
    key = base64.b64decode(subscription["secret"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert (await admin.post(f"/admin/webhook-deliveries/{delivery['delivery_id']}/replay")).status == 200
    await eventually(lambda: len(webhook_receiver.about_order(order_id)) == 2)
    assert webhook_receiver.about_order(order_id)[1][0]["webhook-id"] == headers["webhook-id"]


async def test_redirect_is_a_failure_and_is_retried(
    *,
    admin: UserClient,
    fan: UserClient,
    concert: Concert,
    webhook_receiver: WebhookReceiver,
    subscription: dict[str, Any],
) -> None:
    webhook_receiver.statuses = [302]
    order_id = await bought(fan, concert)
    [delivery] = await deliveries(admin, subscription, "DELIVERED")
    assert delivery["attempts"] == 2
    assert len(webhook_receiver.about_order(order_id)) == len(webhook_receiver.received) == 2


async def test_410_disables_the_subscription_until_it_is_enabled(
    *,
    admin: UserClient,
    fan: UserClient,
    concert: Concert,
    webhook_receiver: WebhookReceiver,
    subscription: dict[str, Any],
) -> None:
    webhook_receiver.statuses = [410]
    await bought(fan, concert)
    [delivery] = await deliveries(admin, subscription, "FAILED")
    assert delivery["last_status"] == 410
    [listed] = [
        one
        for one in (await admin.get("/admin/webhook-subscriptions")).data
        if one["subscription_id"] == subscription["subscription_id"]
    ]
    assert (listed["status"], "secret" in listed) == ("DISABLED", False)
    enabled = await admin.post(f"/admin/webhook-subscriptions/{subscription['subscription_id']}/enable")
    assert enabled.data["status"] == "ACTIVE"


async def test_only_admins_subscribe(fan: UserClient, anonymous: UserClient) -> None:
    wanted = {"url": "https://integrator.example/hooks", "message_types": ["order.confirmed"]}
    assert (await fan.post("/admin/webhook-subscriptions", wanted)).refused() == (403, "FORBIDDEN")
    assert (await anonymous.post("/admin/webhook-subscriptions", wanted)).refused() == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "wanted",
    [
        {"url": "ftp://integrator.example", "message_types": ["order.confirmed"]},
        {"url": "https://integrator.example", "message_types": []},
        {"url": "https://integrator.example", "message_types": ["session.revoked"]},
    ],
)
async def test_invalid_subscription_is_refused(admin: UserClient, wanted: dict[str, Any]) -> None:
    assert (await admin.post("/admin/webhook-subscriptions", wanted)).refused() == (400, "VALIDATION_ERROR")


async def test_unknown_ids_return_404(admin: UserClient) -> None:
    nothing = "00000000-0000-0000-0000-000000000000"
    assert (await admin.post(f"/admin/webhook-deliveries/{nothing}/replay")).refused() == (404, "NOT_FOUND")
    assert (await admin.post(f"/admin/webhook-subscriptions/{nothing}/enable")).refused() == (404, "NOT_FOUND")
