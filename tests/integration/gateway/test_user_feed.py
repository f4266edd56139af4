"""A user's feed over WebSockets: missed entries come first, other users' entries never, and revoked sessions are closed."""

import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.integration.gateway.conftest import Gateways
from tests.integration.gateway.message_publisher import MessagePublisher, publishing
from tests.integration.gateway.services import Services
from tests.integration.gateway.tcp_proxy import proxy_to
from tests.integration.gateway.test_revocations import wait_until_subscribed
from tests.integration.gateway.test_seat_map_feed import close_code, received

USER_LIMIT = 3
PAGE = 2


class StoredFeed:
    """The orchestrator's feed of one user, or of the admins."""

    def __init__(
        self, services: Services, message_publisher: MessagePublisher, *, feed_id: uuid.UUID | None = None
    ) -> None:
        self.user_id = feed_id or uuid.uuid4()
        self.entries: list[dict[str, Any]] = []
        self.kept_from = 1
        self.failures = 0
        self._message_publisher = message_publisher
        services.handlers[f"/internal/feed/{self.user_id}"] = self._answer

    async def add(
        self, kind: str = "order.confirmed", *, data: dict[str, Any] | None = None, is_announced: bool = True
    ) -> dict[str, Any]:
        entry = {
            "sequence": len(self.entries) + 1,
            "id": str(uuid.uuid4()),
            "type": kind,
            "time": "2027-01-01T00:00:00+00:00",
            "subject": "s",
            "data": data or {"user_id": str(self.user_id)},
        }
        self.entries.append(entry)
        if is_announced:
            await self.announce()
        return entry

    async def announce(self) -> None:
        await self._message_publisher.publish("feed.changed", str(self.user_id), {"sequence": len(self.entries)})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.failures:
            self.failures -= 1
            return web.json_response({"error_code": "SERVICE_UNAVAILABLE", "message": "Later."}, status=503)
        last = len(self.entries)
        if "since" not in request.query:
            return self._page([], last, is_complete=True)
        since = int(request.query["since"])
        found = [e for e in self.entries if e["sequence"] > since and e["sequence"] >= self.kept_from][:PAGE]
        begins_at = found[0]["sequence"] if found else last + 1
        return self._page(found, last, is_complete=since + 1 == begins_at)

    @staticmethod
    def _page(entries: list[dict[str, Any]], last: int, *, is_complete: bool) -> web.Response:
        data = {"entries": entries, "last_sequence": last, "is_complete": is_complete}
        return web.json_response({"success": True, "data": data})


@pytest.fixture(scope="module")
async def message_publisher(rabbitmq_url: str) -> AsyncIterator[MessagePublisher]:
    async with publishing(rabbitmq_url) as message_publisher:
        yield message_publisher


@pytest.fixture(scope="module")
async def gateway_url(gateways: Gateways, rabbitmq_url: str) -> AsyncIterator[str]:
    async with gateways(rabbitmq_url=SecretStr(rabbitmq_url), live_connections_per_user=USER_LIMIT) as url:
        await wait_until_subscribed(url)
        yield url


@pytest.fixture
def stored_feed(services: Services, message_publisher: MessagePublisher) -> StoredFeed:
    return StoredFeed(services, message_publisher)


@pytest.fixture
def token(services: Services, stored_feed: StoredFeed) -> str:
    return services.mint.token(stored_feed.user_id)


def watch(url: str, token: str, since: object = None, **options: Any) -> connect:
    asked = f"?token={token}" + (f"&since={since}" if since is not None else "")
    return connect(f"{url.replace('http', 'ws')}/ws/me{asked}", **options)


async def refusal(connection: ClientConnection) -> tuple[int, str | None]:
    return await close_code(connection), connection.close_reason


class TestFollowing:
    async def test_without_a_number_only_new_entries_are_sent(
        self, gateway_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        await stored_feed.add()
        async with watch(gateway_url, token) as connection:
            assert await received(connection) == {"type": "subscribed", "sequence": 1}
            entry = await stored_feed.add()
            assert await received(connection) == entry

    async def test_missed_entries_are_sent_before_new_ones(
        self, gateway_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        for _ in range(5):
            await stored_feed.add()
        async with watch(gateway_url, token, since=1) as connection:
            assert await received(connection) == {"type": "subscribed", "sequence": 1}
            await stored_feed.add()
            assert [(await received(connection))["sequence"] for _ in range(5)] == [2, 3, 4, 5, 6]

    async def test_all_devices_of_the_user_and_no_other_user_are_notified(
        self,
        *,
        gateway_url: str,
        stored_feed: StoredFeed,
        token: str,
        services: Services,
        message_publisher: MessagePublisher,
    ) -> None:
        other = StoredFeed(services, message_publisher)
        async with (
            watch(gateway_url, token) as one,
            watch(gateway_url, token) as two,
            watch(gateway_url, services.mint.token(other.user_id)) as away,
        ):
            for connection in (one, two, away):
                await received(connection)
            entry = await stored_feed.add()
            theirs = await other.add("payment.confirmed")
            assert [await received(one), await received(two), await received(away)] == [entry, entry, theirs]

    async def test_duplicate_hint_sends_no_duplicate_entries(
        self, gateway_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        async with watch(gateway_url, token) as connection:
            await received(connection)
            await stored_feed.add()
            await stored_feed.announce()
            await stored_feed.add()
            assert [(await received(connection))["sequence"] for _ in range(2)] == [1, 2]

    async def test_deleted_entries_are_reported_as_missing(
        self, gateway_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        for _ in range(4):
            await stored_feed.add()
        stored_feed.kept_from = 4
        async with watch(gateway_url, token, since=1) as connection:
            await received(connection)
            assert await received(connection) == {"type": "resync", "sequence": 3}
            assert (await received(connection))["sequence"] == 4

    async def test_number_beyond_the_feed_is_corrected(
        self, gateway_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        async with watch(gateway_url, token, since=99) as connection:
            await received(connection)
            assert await received(connection) == {"type": "resync", "sequence": 0}
            assert (await stored_feed.add()) == await received(connection)

    async def test_connection_waits_while_the_orchestrator_is_unavailable(
        self, gateway_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        async with watch(gateway_url, token) as connection:
            await received(connection)
            stored_feed.failures = 2
            await stored_feed.add()
            assert (await received(connection))["sequence"] == 1

    async def test_feed_is_read_again_after_a_broker_gap(
        self, *, gateways: Gateways, rabbitmq_url: str, stored_feed: StoredFeed, token: str
    ) -> None:
        async with proxy_to(rabbitmq_url) as tcp_proxy, gateways(rabbitmq_url=SecretStr(tcp_proxy.url)) as url:
            await wait_until_subscribed(url)
            await stored_feed.add(is_announced=False)
            async with watch(url, token, since=0) as connection:
                await received(connection)
                await received(connection)  # the connection has read the stored entries and waits for hints
                tcp_proxy.cut()
                await stored_feed.add(is_announced=False)  # as if announced without a subscriber
                tcp_proxy.restore()
                assert (await received(connection))["sequence"] == 2


class TestEnding:
    async def test_logout_closes_the_connection(
        self, gateway_url: str, stored_feed: StoredFeed, services: Services, message_publisher: MessagePublisher
    ) -> None:
        session_id = uuid.uuid4()
        async with (
            watch(gateway_url, services.mint.token(stored_feed.user_id, sid=str(session_id))) as ended,
            watch(gateway_url, services.mint.token(stored_feed.user_id)) as other_login,
        ):
            await received(ended)
            await received(other_login)
            await message_publisher.revoke(session_id)
            assert await refusal(ended) == (4401, "UNAUTHORIZED")
            entry = await stored_feed.add()
            assert await received(other_login) == entry

    async def test_token_expiry_closes_the_connection(
        self, gateway_url: str, stored_feed: StoredFeed, services: Services
    ) -> None:
        async with watch(gateway_url, services.mint.token(stored_feed.user_id, exp=int(time.time()) + 2)) as connection:
            await received(connection)
            assert await refusal(connection) == (4401, "TOKEN_EXPIRED")

    async def test_client_messages_close_the_connection(self, gateway_url: str, token: str) -> None:
        async with watch(gateway_url, token) as connection:
            await received(connection)
            await connection.send(json.dumps({"hello": "there"}))
            assert await close_code(connection) == 1008


class TestConnecting:
    @pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
    async def test_connection_without_a_valid_token_is_refused(self, gateway_url: str, token: str) -> None:
        async with watch(gateway_url, token) as connection:
            assert await refusal(connection) == (4401, "UNAUTHORIZED")

    async def test_expired_token_is_refused_with_its_own_code(
        self, gateway_url: str, stored_feed: StoredFeed, services: Services
    ) -> None:
        async with watch(
            gateway_url, services.mint.token(stored_feed.user_id, exp=int(time.time()) - 10)
        ) as connection:
            assert await refusal(connection) == (4401, "TOKEN_EXPIRED")

    async def test_revoked_session_is_refused(
        self, gateway_url: str, stored_feed: StoredFeed, services: Services, message_publisher: MessagePublisher
    ) -> None:
        session_id = uuid.uuid4()
        token = services.mint.token(stored_feed.user_id, sid=str(session_id))
        async with watch(gateway_url, token) as connection:
            await received(connection)
            await message_publisher.revoke(session_id)
            await close_code(connection)
        async with watch(gateway_url, token) as again:
            assert await refusal(again) == (4401, "UNAUTHORIZED")

    async def test_token_is_accepted_in_the_header(self, gateway_url: str, token: str) -> None:
        url = f"{gateway_url.replace('http', 'ws')}/ws/me"
        async with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as connection:
            assert (await received(connection))["type"] == "subscribed"

    @pytest.mark.parametrize("since", ["-1", "x", "1.5", "٣", "9" * 19])
    async def test_malformed_number_is_refused(self, gateway_url: str, token: str, since: str) -> None:
        async with watch(gateway_url, token, since=since) as connection:
            assert await refusal(connection) == (4400, "VALIDATION_ERROR")

    async def test_other_origins_may_not_connect(self, gateway_url: str, token: str) -> None:
        async with watch(gateway_url, token, origin="https://evil.example") as connection:
            assert await refusal(connection) == (4403, "FORBIDDEN")

    async def test_people_behind_one_address_connect(
        self, gateway_url: str, services: Services, message_publisher: MessagePublisher
    ) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(60):
                token = services.mint.token(StoredFeed(services, message_publisher).user_id)
                connection = await stack.enter_async_context(watch(gateway_url, token))
                assert (await received(connection))["type"] == "subscribed"

    async def test_connections_per_user_are_limited(self, gateway_url: str, token: str) -> None:
        async with (
            watch(gateway_url, token) as one,
            watch(gateway_url, token) as two,
            watch(gateway_url, token) as three,
        ):
            for connection in (one, two, three):
                await received(connection)
            async with watch(gateway_url, token) as fourth:
                with pytest.raises(ConnectionClosed):
                    await received(fourth)
                assert await refusal(fourth) == (4429, "RATE_LIMITED")

    async def test_connection_attempts_per_user_are_rate_limited(
        self, gateways: Gateways, rabbitmq_url: str, token: str
    ) -> None:
        async with gateways(rabbitmq_url=SecretStr(rabbitmq_url), rate_limit_per_minute=2) as url:
            await wait_until_subscribed(url)
            assert await _rate_limited_after(url, token) <= 5  # the minute may change meanwhile

    async def test_connection_attempts_with_forged_tokens_are_rate_limited(
        self, gateways: Gateways, rabbitmq_url: str
    ) -> None:
        async with gateways(rabbitmq_url=SecretStr(rabbitmq_url), rate_limit_per_minute=2) as url:
            await wait_until_subscribed(url)
            assert await _rate_limited_after(url, "nonsense") <= 5


async def _rate_limited_after(url: str, token: str) -> int:
    """Return the number of connections before the first one refused by the rate limit."""
    for number in range(10):
        async with watch(url, token) as connection:
            try:
                await received(connection)
            except ConnectionClosed:
                if connection.close_reason == "RATE_LIMITED":
                    return number
    return 10
