"""Digital orders over WebSockets: a fan's own ones, all for admins; a client goes on where it left off."""

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
    gateway_url: str, services: Services, stored_feed: StoredFeed
) -> None:
    async with watch(gateway_url, services.mint.token(stored_feed.user_id)) as connection:
        assert connection.subprotocol == "bearer"
        assert await received(connection) == {"type": "subscribed", "sequence": 0}
        await stored_feed.add("order.confirmed")
        await stored_feed.add("job.completed")
        await stored_feed.add("fulfillment.paid", data=PAID)
        assert await received(connection) == CONFIRMED | {"sequence": 2}
        assert await received(connection) == MOVED | {"sequence": 3}


async def test_client_that_reconnects_between_two_messages_of_one_move_misses_neither(
    gateway_url: str, services: Services, stored_feed: StoredFeed
) -> None:
    token = services.mint.token(stored_feed.user_id)
    failed = PAID | {"status": "failed", "fulfillment_status": "failed", "reason": "The supplier does not respond."}
    await stored_feed.add("fulfillment.failed", data=failed)
    async with watch(gateway_url, token, since=0) as connection:
        await received(connection)
        first = await received(connection)
    async with watch(gateway_url, token, since=first["sequence"]) as connection:
        await received(connection)
        assert await received(connection) == first
        assert first["retryable"] is True
        assert (await received(connection))["status"] == "failed"
    async with watch(gateway_url, token, since=1) as connection:
        await received(connection)
        await stored_feed.add("fulfillment.paid", data=PAID)
        assert (await received(connection))["type"] == "payment_confirmed"
        await received(connection)
        await stored_feed.add("fulfillment.failed", data=failed | {"items": [ITEMS[0] | {"status": "failed"}]})
        assert (await received(connection))["retryable"] is False


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
                "sequence": 1,
            },
            {"type": "job_completed", "sequence": 2} | job,
            MOVED | {"sequence": 3},
        ]


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
async def test_connection_without_a_valid_token_is_refused(gateway_url: str, token: str) -> None:
    async with watch(gateway_url, token) as connection:
        assert await refusal(connection) == (4401, "UNAUTHORIZED")
