"""Clients that hold connections without using them are disconnected, and merely slow ones are not."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from aiohttp import web
from websockets.asyncio.client import connect

from tests.integration.gateway.conftest import Gateways
from tests.integration.gateway.raw import open_unread
from tests.integration.gateway.services import Services
from tests.support.http_client import http_client
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

CLIENT_TIMEOUT_SECONDS = 0.3
PAUSE_SECONDS = 0.2
LONG_ENOUGH = 4 * CLIENT_TIMEOUT_SECONDS
SEAT_MAP = f"/api/events/{uuid.uuid4()}"
GET_SEAT_MAP = f"GET {SEAT_MAP} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
HALL = b"x" * 20_000_000  # more than all buffers on the way hold

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def hall(_: web.Request) -> web.StreamResponse:
    return web.Response(body=HALL)


@pytest.fixture
async def url(gateways: Gateways, services: Services) -> AsyncIterator[str]:
    services.handlers[SEAT_MAP] = hall
    async with gateways(client_timeout_seconds=CLIENT_TIMEOUT_SECONDS, upstream_long_connections=1) as url:
        yield url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def until_cut_off(reader: asyncio.StreamReader) -> bytes:
    """Read until the gateway closes the connection, and return what it sent."""
    received = b""
    try:
        async with asyncio.timeout(4.5):  # less than the five seconds that uvicorn keeps an idle connection
            while part := await reader.read(65_536):
                received += part
    except ConnectionResetError:
        pass
    except TimeoutError as error:
        raise AssertionError("the gateway keeps the connection open") from error
    return received


async def trickle(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await asyncio.sleep(CLIENT_TIMEOUT_SECONDS / 5)


@pytest.mark.parametrize("before", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "later"])
@pytest.mark.parametrize(
    "data",
    [b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 100, b"\r\n" * 100],
    ids=["nothing", "endless header", "empty lines"],
)
async def test_unfinished_request_is_closed_after_the_timeout(url: str, before: bytes, data: bytes) -> None:
    async with connected(url) as (reader, writer):
        writer.write(before)
        trickling = asyncio.create_task(trickle(writer, data))
        answer = await until_cut_off(reader)
        assert answer.startswith(b"HTTP/1.1 200") if before else answer == b""
        trickling.cancel()


async def test_stalled_seat_map_reader_is_disconnected(url: str) -> None:
    async with open_unread(url, GET_SEAT_MAP) as reader, http_client(url) as http:
        await reader.readuntil(b"\r\n\r\n")
        answer = await http.get(SEAT_MAP)  # waits two seconds for a connection
        assert answer.content == HALL
        assert len(await until_cut_off(reader)) < len(HALL)


async def test_stalled_reader_of_another_response_is_disconnected(url: str, services: Services) -> None:
    services.handlers["/api/events"] = services.handlers[SEAT_MAP]
    get_events = b"GET /api/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with open_unread(url, get_events) as reader:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(LONG_ENOUGH)
        assert len(await until_cut_off(reader)) < len(HALL)


async def test_slow_client_gets_the_complete_response(gateways: Gateways, services: Services) -> None:
    """Each pause is a tenth of the client timeout; all pauses together are twice the timeout."""
    services.handlers[SEAT_MAP] = hall
    async with (
        gateways(client_timeout_seconds=10 * PAUSE_SECONDS) as url,
        open_unread(url, GET_SEAT_MAP) as reader,
    ):
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(20):
            await reader.readexactly(len(HALL) // 20)
            await asyncio.sleep(PAUSE_SECONDS)


async def test_service_may_respond_later_than_the_client_timeout(url: str, services: Services) -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(LONG_ENOUGH)
        return web.json_response({})

    services.handlers["/api/events"] = answer
    async with http_client(url, limits=httpx.Limits(max_connections=1)) as http:
        assert (await http.get("/api/events")).status_code == 200
        assert (await http.get("/livez")).status_code == 200


async def test_websocket_client_may_stay_silent(url: str) -> None:
    async with connect(f"{url.replace('http', 'ws')}/ws/events/{uuid.uuid4()}") as connection:
        assert "subscribed" in str(await connection.recv())
        await asyncio.sleep(LONG_ENOUGH)
        await asyncio.wait_for(await connection.ping(), ANSWER_SECONDS)


async def test_connections_are_limited(gateways: Gateways) -> None:
    get = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with gateways(max_connections=3) as url:

        async def status() -> bytes:
            async with connected(url) as (reader, writer):
                writer.write(get)
                return (await reader.read())[:12]

        async with AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(connected(url))
            assert await status() == b"HTTP/1.1 503"

        async def is_served() -> bool:
            return await status() == b"HTTP/1.1 200"

        await eventually(is_served)
