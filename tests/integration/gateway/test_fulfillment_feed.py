"""Digital orders over WebSockets: a fan's own ones, all for admins; a client continues where it left off."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from common.auth.principal import Role
from common.feeds import ADMIN_FEED
from tests.integration.gateway.conftest import Gateways
from tests.integration.gateway.message_publisher import MessagePublisher, publishing
from tests.integration.gateway.services import Services
from tests.integration.gateway.test_revocations import wait_until_subscribed
from tests.integration.gateway.test_seat_map_feed import received
from tests.integration.gateway.test_user_feed import StoredFeed, refusal

ORDER_ID = str(uuid.uuid4())
ITEMS = [{"item_id": "1", "name": "A game", "status": "pending"}]
PAID = {
    "order_id": ORDER_ID,
    "user_id": "private",
    "status": "paid",
    "fulfillment_status": "reserving",
    "amount": "40.00",
    "currency": "sgd",
    "items": ITEMS,
}
MOVED = {"type": "status_changed", "order_id": ORDER_ID, "status": "paid", "fulfillment_status": "reserving",
         "items": ITEMS}  # fmt: skip
CONFIRMED = {"type": "payment_confirmed", "order_id": ORDER_ID, "amount": "40.00", "currency": "sgd"}


@pytest.fixture(scope="module")
async def message_publisher(rabbitmq_url: str) -> AsyncIterator[MessagePublisher]:
    async with publishing(rabbitmq_url) as message_publisher:
        yield message_publisher


@pytest.fixture(scope="module")
async def gateway_url(gateways: Gateways, rabbitmq_url: str) -> AsyncIterator[str]:
    async with gateways(rabbitmq_url=SecretStr(rabbitmq_url)) as url:
        await wait_until_subscribed(url)
        yield url


@pytest.fixture
def stored_feed(services: Services, message_publisher: MessagePublisher) -> StoredFeed:
    return StoredFeed(services, message_publisher)


def watch(url: str, token: str, since: int | None = None) -> connect:
    asked = "" if since is None else f"?since={since}"
    offered = [Subprotocol("bearer"), Subprotocol(token)]
    return connect(f"{url.replace('http', 'ws')}/ws/fulfillment{asked}", subprotocols=offered)


async def test_fan_sees_their_own_orders_and_nothing_else(
    gateway_url: str, services: Services, stored_feed: StoredFeed, message_publisher: MessagePublisher
) -> None:
    await StoredFeed(services, message_publisher, feed_id=ADMIN_FEED).add("fulfillment.created", data=PAID)
    async with watch(gateway_url, services.mint.token(stored_feed.user_id)) as connection:
        assert connection.subprotocol == "bearer"
        assert await received(connection) == {"type": "subscribed", "sequence": 0}
        await stored_feed.add("order.confirmed")
        await stored_feed.add("job.completed")
        await stored_feed.add("fulfillment.paid", data=PAID)
        assert await received(connection) == CONFIRMED | {"sequence": 5}
        assert await received(connection) == MOVED | {"sequence": 6}


async def test_client_that_reconnects_between_any_two_messages_gets_each_once(
    gateway_url: str, services: Services, stored_feed: StoredFeed
) -> None:
    token = services.mint.token(stored_feed.user_id)
    for kind in ("created", "paid", "failed", "resumed", "reserved"):
        await stored_feed.add(f"fulfillment.{kind}", data=PAID)
    moved, confirmed, failed = ("status_changed", "payment_confirmed", "error")
    kinds = [moved, confirmed, moved, failed, moved, moved, moved]

    seen: list[dict[str, Any]] = [{"sequence": 0}]
    for _ in kinds:
        async with watch(gateway_url, token, since=seen[-1]["sequence"]) as connection:
            assert (await received(connection))["sequence"] == seen[-1]["sequence"]
            seen.append(await received(connection))
    assert [message["type"] for message in seen[1:]] == kinds
    assert [message["sequence"] for message in seen[1:]] == [2, 3, 4, 5, 6, 8, 10]

    stored_feed.kept_from = 3
    async with watch(gateway_url, token, since=2) as connection:
        await received(connection)
        assert [await received(connection) for _ in range(2)] == [{"type": "resync", "sequence": 4}, seen[4]]


async def test_failure_says_whether_it_can_be_tried_again(
    gateway_url: str, services: Services, stored_feed: StoredFeed
) -> None:
    refused = PAID | {"items": [ITEMS[0] | {"status": "failed"}]}
    async with watch(gateway_url, services.mint.token(stored_feed.user_id)) as connection:
        await received(connection)
        for data, is_retryable in ((PAID, True), (refused, False)):
            await stored_feed.add("fulfillment.failed", data=data | {"reason": "The supplier does not respond."})
            error = await received(connection)
            assert (error["error"], error["retryable"]) == ("The supplier does not respond.", is_retryable)
            await received(connection)


async def test_admin_sees_all_orders_webhooks_and_jobs(
    gateway_url: str, services: Services, message_publisher: MessagePublisher
) -> None:
    everything = StoredFeed(services, message_publisher, feed_id=ADMIN_FEED)
    job: dict[str, Any] = {"job_id": "7", "kind": "fulfillment", "order_id": ORDER_ID, "duration_seconds": 0.2}
    async with watch(gateway_url, services.mint.token(uuid.uuid4(), Role.CUSTOMER, Role.ADMIN)) as connection:
        await received(connection)
        await everything.add("webhook_received", data={"webhook_id": "1", "provider": "kinguin", "event_type": "ready"})
        await everything.add("job_completed", data=job)
        await everything.add("fulfillment.reserved", data=PAID)
        assert [await received(connection) for _ in range(3)] == [
            {
                "type": "webhook_received",
                "webhook_id": "1",
                "provider": "kinguin",
                "event_type": "ready",
                "sequence": 2,
            },
            {"type": "job_completed", "sequence": 4} | job,
            MOVED | {"sequence": 6},
        ]


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
async def test_connection_without_a_valid_token_is_refused(gateway_url: str, token: str) -> None:
    async with watch(gateway_url, token) as connection:
        assert await refusal(connection) == (4401, "UNAUTHORIZED")
