"""Seat map feeds over WebSockets: who gets which changes, who may connect, and who is disconnected."""

import asyncio
import json
import socket
import time
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.gateway.conftest import Gateways
from tests.integration.gateway.message_publisher import MessagePublisher, publishing
from tests.integration.gateway.services import Services
from tests.integration.gateway.tcp_proxy import proxy_to
from tests.integration.gateway.test_revocations import wait_until_subscribed
from tests.support.http_client import http_client
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

SHOP = "https://shop.example"
ADDRESS_LIMIT = 5
BACKLOG = 4
GRACE_SECONDS = 60.0


@pytest.fixture(scope="module")
async def message_publisher(rabbitmq_url: str) -> AsyncIterator[MessagePublisher]:
    async with publishing(rabbitmq_url) as message_publisher:
        yield message_publisher


@pytest.fixture(scope="module")
async def gateway_url(gateways: Gateways, rabbitmq_url: str) -> AsyncIterator[str]:
    async with gateways(
        rabbitmq_url=SecretStr(rabbitmq_url),
        cors_origins=SHOP,
        live_connections_per_address=ADDRESS_LIMIT,
        live_backlog_messages=BACKLOG,
    ) as url:
        await wait_until_subscribed(url)
        yield url


def watch(url: str, event_id: object, **options: Any) -> connect:
    return connect(f"{url.replace('http', 'ws')}/ws/events/{event_id}", **options)


async def received(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS):
        return dict(json.loads(await connection.recv()))


async def close_code(connection: ClientConnection) -> int:
    async with asyncio.timeout(ANSWER_SECONDS):
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code


def seat(status: str) -> dict[str, str]:
    return {"seat_id": str(uuid.uuid4()), "status": status}


async def test_every_client_of_an_event_gets_its_seat_changes(
    gateway_url: str, message_publisher: MessagePublisher
) -> None:
    here, elsewhere = uuid.uuid4(), uuid.uuid4()
    held, sold, other = seat("HELD"), seat("SOLD"), seat("AVAILABLE")
    async with watch(gateway_url, here) as one, watch(gateway_url, here) as two, watch(gateway_url, elsewhere) as away:
        for connection, event_id in ((one, here), (two, here), (away, elsewhere)):
            assert await received(connection) == {"type": "subscribed", "event_id": str(event_id)}
        await message_publisher.change_seats(here, held, sold)
        await message_publisher.change_seats(elsewhere, other)
        for connection in (one, two):
            assert await received(connection) == {"type": "seat.changed", "event_id": str(here), "seats": [held, sold]}
        assert await received(away) == {"type": "seat.changed", "event_id": str(elsewhere), "seats": [other]}


async def test_messages_keep_their_order(gateway_url: str, message_publisher: MessagePublisher) -> None:
    event_id = uuid.uuid4()
    statuses = ["HELD", "SOLD", "AVAILABLE"]
    async with watch(gateway_url, event_id) as connection:
        await received(connection)
        for status in statuses:
            await message_publisher.change_seats(event_id, seat(status))
        assert [(await received(connection))["seats"][0]["status"] for _ in statuses] == statuses


async def test_malformed_message_is_ignored(gateway_url: str, message_publisher: MessagePublisher) -> None:
    event_id = uuid.uuid4()
    async with watch(gateway_url, event_id) as connection:
        await received(connection)
        await message_publisher.publish("seat.changed", str(event_id), {"no": "seats"})
        await message_publisher.send("seat.changed", b"not json")
        await message_publisher.change_seats(event_id, seat("HELD"))
        assert (await received(connection))["seats"][0]["status"] == "HELD"


async def test_clients_are_told_to_resync_after_a_gap(
    gateways: Gateways, rabbitmq_url: str, message_publisher: MessagePublisher
) -> None:
    event_id = uuid.uuid4()
    async with proxy_to(rabbitmq_url) as tcp_proxy, gateways(rabbitmq_url=SecretStr(tcp_proxy.url)) as url:
        await wait_until_subscribed(url)
        async with watch(url, event_id) as connection:
            await received(connection)
            tcp_proxy.cut()
            await message_publisher.change_seats(event_id, seat("SOLD"))
            tcp_proxy.restore()
            assert await received(connection) == {"type": "resync", "event_id": str(event_id)}
            await message_publisher.change_seats(event_id, seat("HELD"))
            assert (await received(connection))["seats"][0]["status"] == "HELD"


@pytest.mark.parametrize(
    ("event_id", "code", "reason"),
    [
        ("not-a-uuid", 4400, "INVALID_UUID"),
        ("%65" + str(uuid.uuid4())[1:], 4404, "NOT_FOUND"),
        (str(uuid.uuid4()) + "%20", 4404, "NOT_FOUND"),
    ],
)
async def test_invalid_event_is_refused(gateway_url: str, event_id: str, code: int, reason: str) -> None:
    async with watch(gateway_url, event_id) as connection:
        assert await close_code(connection) == code
        assert connection.close_reason == reason


@pytest.mark.parametrize("path", ["/ws/nothing", "/ws", "/api/events", "/internal/orders"])
async def test_other_websocket_paths_are_refused(gateway_url: str, path: str) -> None:
    with pytest.raises(InvalidStatus):
        await connect(gateway_url.replace("http", "ws") + path)


async def test_other_origins_may_not_connect(gateway_url: str) -> None:
    for origin in ("https://evil.example", f"{SHOP}.evil.example", "null", "http://[", "http://[::zz]"):
        async with watch(gateway_url, uuid.uuid4(), origin=origin) as connection:
            assert await close_code(connection) == 4403
    for origin in (SHOP, gateway_url):
        async with watch(gateway_url, uuid.uuid4(), origin=origin) as connection:
            assert (await received(connection))["type"] == "subscribed"


async def test_connections_of_one_address_are_limited(gateway_url: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(ADDRESS_LIMIT):
            connection = await stack.enter_async_context(watch(gateway_url, uuid.uuid4()))
            assert (await received(connection))["type"] == "subscribed"
        async with watch(gateway_url, uuid.uuid4()) as one_too_many:
            with pytest.raises(ConnectionClosed):
                await received(one_too_many)
            assert await close_code(one_too_many) == 4429
            assert one_too_many.close_reason == "RATE_LIMITED"

    async def there_is_room_again() -> bool:
        async with watch(gateway_url, uuid.uuid4()) as connection:
            return bool((await received(connection))["type"] == "subscribed")

    await eventually(there_is_room_again)


async def test_known_users_are_counted_as_themselves(gateway_url: str, services: Services) -> None:
    async with AsyncExitStack() as stack:
        for number in range(ADDRESS_LIMIT + 1):
            token, event_id = services.mint.token(uuid.uuid4()), uuid.uuid4()
            in_header = {"Authorization": f"Bearer {token}"} if number % 2 else {}
            watching = watch(
                gateway_url, event_id if in_header else f"{event_id}?token={token}", additional_headers=in_header
            )
            assert (await received(await stack.enter_async_context(watching)))["type"] == "subscribed"
        anonymous = await stack.enter_async_context(watch(gateway_url, uuid.uuid4()))
        assert (await received(anonymous))["type"] == "subscribed"


async def test_watcher_with_a_forged_token_is_anonymous(gateway_url: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(ADDRESS_LIMIT):
            forged = await stack.enter_async_context(watch(gateway_url, f"{uuid.uuid4()}?token=made.up.token"))
            assert (await received(forged))["type"] == "subscribed"
        one_too_many = await stack.enter_async_context(watch(gateway_url, uuid.uuid4()))
        assert await close_code(one_too_many) == 4429


async def test_connections_of_the_gateway_are_limited(gateways: Gateways) -> None:
    async with gateways(live_connections=1) as url, watch(url, uuid.uuid4()) as first:
        assert (await received(first))["type"] == "subscribed"
        async with watch(url, uuid.uuid4()) as second:
            assert await close_code(second) == 4503


async def test_client_that_sends_a_message_is_disconnected(gateway_url: str) -> None:
    async with watch(gateway_url, uuid.uuid4()) as connection:
        await connection.send("hello")
        assert await close_code(connection) == 1008


async def test_stopping_gateway_closes_connections_at_once(gateways: Gateways) -> None:
    async with AsyncExitStack() as stack:
        async with gateways(shutdown_grace_seconds=GRACE_SECONDS) as url:
            connection = await stack.enter_async_context(watch(url, uuid.uuid4()))
            assert (await received(connection))["type"] == "subscribed"
            stopping_at = time.monotonic()
        assert time.monotonic() - stopping_at < GRACE_SECONDS  # what running requests would be given
        assert await close_code(connection) == 1012


async def test_slow_client_is_disconnected_without_delaying_others(
    gateway_url: str, message_publisher: MessagePublisher
) -> None:
    event_id = uuid.uuid4()
    many_seats = [seat("HELD") for _ in range(4000)]  # some 280 kB
    sleeper = connect_without_reading(gateway_url, event_id)
    dropped_before = await metric_value(gateway_url, "live_dropped_total")
    async with watch(gateway_url, event_id, max_size=None) as reading_client:
        assert (await received(reading_client))["type"] == "subscribed"
        sent = 0
        while await metric_value(gateway_url, "live_dropped_total") == dropped_before:
            assert sent < 500, "a client that never reads is never disconnected"
            await message_publisher.change_seats(event_id, *many_seats)
            sent += 1
            assert len((await received(reading_client))["seats"]) == 4000

        async def only_the_reading_client_is_left() -> bool:
            return await metric_value(gateway_url, "live_connections") == 1

        await eventually(only_the_reading_client_is_left)
        await message_publisher.change_seats(event_id, seat("SOLD"))
        assert (await received(reading_client))["seats"][0]["status"] == "SOLD"
    sleeper.close()


def connect_without_reading(url: str, event_id: uuid.UUID) -> socket.socket:
    """Connect a client that never reads a byte, not even the handshake response."""
    address = urlsplit(url)
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.connect((address.hostname, address.port))
    key = b64encode(uuid.uuid4().bytes).decode()
    sleeper.sendall(
        f"GET /ws/events/{event_id} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return sleeper


async def metric_value(url: str, name: str) -> float:
    async with http_client(url) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))
