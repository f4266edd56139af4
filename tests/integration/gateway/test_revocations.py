"""A logout takes effect at once on every gateway, with and without the broker."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr

from gateway.routing import Upstream
from tests.integration.gateway.conftest import Gateways, until_ready
from tests.integration.gateway.message_publisher import MessagePublisher, publishing
from tests.integration.gateway.services import Services
from tests.integration.gateway.tcp_proxy import proxy_to
from tests.support.http_client import http_client
from tests.support.waiting import eventually

# A second poll would take longer than any test here: a change seen in time came by message.
BY_MESSAGE_ONLY = 600.0


@pytest.fixture(scope="module")
async def message_publisher(rabbitmq_url: str) -> AsyncIterator[MessagePublisher]:
    async with publishing(rabbitmq_url) as message_publisher:
        yield message_publisher


class Fan:
    """A user with one session who repeats a request."""

    def __init__(self, services: Services, http: httpx.AsyncClient, session_id: uuid.UUID | None = None) -> None:
        self.session_id = session_id or uuid.uuid4()
        self._token = services.mint.token(uuid.uuid4(), sid=str(self.session_id))
        self._http = http

    async def ask(self) -> httpx.Response:
        return await self._http.get("/api/tickets", headers={"Authorization": f"Bearer {self._token}"})

    async def assert_accepted(self) -> bool:
        return (await self.ask()).status_code == 200

    async def assert_refused(self) -> bool:
        answer = await self.ask()
        return answer.status_code == 401 and answer.json()["error_code"] == "UNAUTHORIZED"


async def wait_until_subscribed(url: str) -> None:
    async with http_client(url) as http:

        async def is_fed() -> bool:
            return bool((await http.get("/health")).json()["checks"]["broker"] == "ok")

        await eventually(is_fed)


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def test_revoked_session_is_refused_at_once_on_every_gateway(
    gateways: Gateways, services: Services, rabbitmq_url: str, message_publisher: MessagePublisher
) -> None:
    fed = {"rabbitmq_url": SecretStr(rabbitmq_url), "revocation_poll_seconds": BY_MESSAGE_ONLY}
    async with (
        gateways(**fed) as one,
        gateways(**fed) as other,
        http_client(one) as http_of_one,
        http_client(other) as http_of_other,
    ):
        await wait_until_subscribed(one)
        await wait_until_subscribed(other)
        fan = Fan(services, http_of_one)
        elsewhere = Fan(services, http_of_other, fan.session_id)
        another_user = Fan(services, http_of_one)
        assert await fan.assert_accepted()
        assert await elsewhere.assert_accepted()
        await message_publisher.revoke(fan.session_id)
        await eventually(fan.assert_refused)
        await eventually(elsewhere.assert_refused)
        assert await another_user.assert_accepted()


async def test_new_gateway_loads_revoked_sessions(gateways: Gateways, services: Services) -> None:
    session_id = uuid.uuid4()
    services.revoked[session_id] = in_minutes(15)
    async with gateways() as url, http_client(url) as http:
        await until_ready(url)
        assert await Fan(services, http, session_id).assert_refused()
        assert await Fan(services, http).assert_accepted()


async def test_set_is_polled_without_the_broker(gateways: Gateways, services: Services) -> None:
    async with gateways(revocation_poll_seconds=0.1) as url, http_client(url) as http:
        await until_ready(url)
        fan = Fan(services, http)
        assert await fan.assert_accepted()
        services.revoked[fan.session_id] = in_minutes(15)
        await eventually(fan.assert_refused)


async def test_set_is_polled_after_the_broker_is_lost(
    gateways: Gateways, services: Services, rabbitmq_url: str
) -> None:
    async with (
        proxy_to(rabbitmq_url) as tcp_proxy,
        gateways(rabbitmq_url=SecretStr(tcp_proxy.url), revocation_poll_seconds=0.1) as url,
        http_client(url) as http,
    ):
        await wait_until_subscribed(url)
        fan = Fan(services, http)
        assert await fan.assert_accepted()
        tcp_proxy.cut()
        services.revoked[fan.session_id] = in_minutes(15)
        await eventually(fan.assert_refused)


async def test_tokens_are_refused_until_the_set_is_loaded(gateways: Gateways, services: Services) -> None:
    users_are_away = {"users_url": "http://127.0.0.1:1", "revocation_poll_seconds": 0.1}
    async with gateways(**users_are_away) as url, http_client(url) as http:
        answer = await Fan(services, http).ask()
        assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        assert (await http.get("/health")).json()["checks"]["revoked_sessions"] == "failed"
        assert (await http.get("/api/events")).status_code == 200


async def test_set_is_reloaded_after_a_reconnect(
    gateways: Gateways, services: Services, rabbitmq_url: str, message_publisher: MessagePublisher
) -> None:
    async with (
        proxy_to(rabbitmq_url) as tcp_proxy,
        gateways(rabbitmq_url=SecretStr(tcp_proxy.url), revocation_poll_seconds=BY_MESSAGE_ONLY) as url,
        http_client(url) as http,
    ):
        await wait_until_subscribed(url)
        missed, later = Fan(services, http), Fan(services, http)
        tcp_proxy.cut()
        services.revoked[missed.session_id] = in_minutes(15)
        assert await missed.assert_accepted()
        tcp_proxy.restore()
        await eventually(missed.assert_refused)
        await wait_until_subscribed(url)
        await message_publisher.revoke(later.session_id)
        await eventually(later.assert_refused)


async def test_malformed_message_is_ignored(
    gateways: Gateways, services: Services, rabbitmq_url: str, message_publisher: MessagePublisher
) -> None:
    async with (
        gateways(rabbitmq_url=SecretStr(rabbitmq_url), revocation_poll_seconds=BY_MESSAGE_ONLY) as url,
        http_client(url) as http,
    ):
        await wait_until_subscribed(url)
        fan = Fan(services, http)
        for body in (b"", b"not json", b'{"type": "session.revoked"}'):
            await message_publisher.send("session.revoked", body)
        await message_publisher.publish("session.revoked", "x", {"session_id": "not-a-uuid"})
        await message_publisher.publish("session.revoked", "x", {})
        await message_publisher.revoke(fan.session_id)
        await eventually(fan.assert_refused)


async def test_set_is_requested_with_a_service_token(services: Services) -> None:
    async with http_client(services.urls[Upstream.USERS]) as http:
        assert (await http.get("/internal/sessions/revoked", headers={"Authorization": "Bearer x"})).status_code == 401
