"""Services that are unavailable, slow or close early: what the client gets, and how fast."""

import asyncio
import uuid

import httpx
import pytest
from aiohttp import web

from tests.integration.gateway.conftest import Gateways, until_ready
from tests.integration.gateway.raw import exchange, open_unread
from tests.integration.gateway.services import Handler, Services, never
from tests.support.http_client import http_client
from tests.support.timeouts import ANSWER_SECONDS

SEAT_MAP = f"/api/events/{uuid.uuid4()}"
GET_SEAT_MAP = f"GET {SEAT_MAP} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
SERVICE_SECONDS = 1.0  # a busy machine forwards what has arrived within that time
HALL = b"x" * 20_000_000  # more than all buffers on the way hold


async def test_unavailable_service_is_503_at_once(gateways: Gateways) -> None:
    async with gateways(orchestrator_url="http://127.0.0.1:1") as url, http_client(url) as http:
        answer = await http.get("/api/events")  # a gateway that waited for the end would return 504
        assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        assert answer.json()["correlation_id"] == answer.headers["X-Correlation-ID"]
        assert "127.0.0.1" not in answer.text
        health = await http.get("/health")
        assert (health.status_code, health.json()["checks"]["orchestrator"]) == (503, "failed")


async def test_unavailable_read_only_service_is_degraded(gateways: Gateways) -> None:
    async with gateways(events_url="http://127.0.0.1:1") as url, http_client(url) as http:
        await until_ready(url)
        assert (await http.get("/health")).json()["checks"]["events"] == "degraded"
        assert (await http.get("/api/venues")).status_code == 503
        assert (await http.get("/api/events")).status_code == 200


async def test_inventory_is_degraded_as_the_orchestrator_reports(gateways: Gateways, services: Services) -> None:
    services.inventory = "degraded"
    async with gateways() as url, http_client(url) as http:
        await until_ready(url)
        health = await http.get("/health")
    assert (health.status_code, health.json()["checks"]["inventory"]) == (200, "degraded")


async def test_service_over_its_timeout_is_504(gateways: Gateways, services: Services) -> None:
    services.handlers["/api/events"] = never
    async with gateways(upstream_timeout_seconds=0.3) as url, http_client(url) as http:
        answer = await http.get("/api/events")
        assert (answer.status_code, answer.json()["error_code"]) == (504, "UPSTREAM_TIMEOUT")


async def test_hall_provisioning_has_a_longer_timeout(
    gateways: Gateways, services: Services, bearer: dict[str, str]
) -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(0.5)  # longer than the timeout of other routes
        return web.json_response({}, status=201)

    services.handlers["/api/admin/events"] = answer
    async with gateways(upstream_timeout_seconds=0.3) as url, http_client(url) as http:
        await until_ready(url)
        assert (await http.post("/api/admin/events", headers=bearer, json={})).status_code == 201


async def test_service_that_closes_without_a_response_is_504(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str]
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    services.handlers["/api/pay"] = hang_up
    answer = await client.post("/api/pay", headers=bearer, json={})
    assert (answer.status_code, answer.json()["error_code"]) == (504, "UPSTREAM_TIMEOUT")
    assert len(services.received) == 1, "money may have moved: only the client may retry"


@pytest.mark.parametrize("announced", [1_000_000, None], ids=["by length", "chunked"])
async def test_truncated_response_is_504(client: httpx.AsyncClient, services: Services, announced: int | None) -> None:
    services.handlers["/api/events"] = breaking_off(announced=announced, sent=300_000)
    answer = await client.get("/api/events")
    assert (answer.status_code, answer.json()["error_code"]) == (504, "UPSTREAM_TIMEOUT")


async def test_truncated_small_seat_map_is_504(client: httpx.AsyncClient, services: Services) -> None:
    services.handlers[SEAT_MAP] = breaking_off(announced=1000, sent=500)
    answer = await client.get(SEAT_MAP)
    assert (answer.status_code, answer.json()["error_code"]) == (504, "UPSTREAM_TIMEOUT")


@pytest.mark.parametrize("announced", [1_000_000, None], ids=["by length", "chunked"])
async def test_truncated_seat_map_is_detectable(gateway: str, services: Services, announced: int | None) -> None:
    services.handlers[SEAT_MAP] = breaking_off(announced=announced, sent=300_000)
    head, _, body = (await exchange(gateway, GET_SEAT_MAP)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert_not_whole(body, announced)


@pytest.mark.parametrize("announced", [1_000_000, None], ids=["by length", "chunked"])
async def test_stalled_seat_map_is_aborted(gateways: Gateways, services: Services, announced: int | None) -> None:
    services.handlers[SEAT_MAP] = breaking_off(announced=announced, sent=300_000, then=never)
    async with gateways(upstream_timeout_seconds=SERVICE_SECONDS) as url:
        head, _, body = (await exchange(url, GET_SEAT_MAP)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert_not_whole(body, announced)


async def test_seat_map_that_does_not_start_is_504(gateways: Gateways, services: Services) -> None:
    services.handlers[SEAT_MAP] = never
    async with gateways(upstream_timeout_seconds=0.3) as url, http_client(url) as http:
        answer = await http.get(SEAT_MAP)
        assert (answer.status_code, answer.json()["error_code"]) == (504, "UPSTREAM_TIMEOUT")


async def test_seat_map_is_streamed(gateway: str, services: Services) -> None:
    more = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await more.wait()
        await response.write(b"second")
        return response

    services.handlers[SEAT_MAP] = answer
    async with http_client(gateway) as http, http.stream("GET", SEAT_MAP) as got:
        chunks = got.aiter_bytes()
        assert await anext(chunks) == b"first"
        more.set()
        assert await anext(chunks) == b"second"


async def test_slow_seat_map_reader_is_not_bound_by_the_service_timeout(gateways: Gateways, services: Services) -> None:
    services.handlers[SEAT_MAP] = hall
    async with gateways(upstream_timeout_seconds=SERVICE_SECONDS) as url, open_unread(url, GET_SEAT_MAP) as reader:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1_000_000)
        await asyncio.sleep(2 * SERVICE_SECONDS)
        assert len(await reader.read(-1)) == len(HALL) - 1_000_000


async def test_slow_seat_map_readers_do_not_delay_other_requests(
    gateways: Gateways, services: Services, bearer: dict[str, str]
) -> None:
    services.handlers[SEAT_MAP] = hall
    async with (
        gateways(upstream_connections=1, upstream_long_connections=1) as url,
        open_unread(url, GET_SEAT_MAP) as reader,
        http_client(url) as http,
    ):
        await until_ready(url)
        await reader.readuntil(b"\r\n\r\n")
        assert (await http.post("/api/pay", headers=bearer, json={})).status_code == 200
        assert (await http.get(SEAT_MAP)).status_code == 503


async def test_slow_readers_of_other_responses_hold_no_upstream_connection(
    gateways: Gateways, services: Services
) -> None:
    services.handlers["/api/events"] = hall
    get_events = b"GET /api/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with (
        gateways(upstream_connections=1) as url,
        open_unread(url, get_events) as reader,
        http_client(url) as http,
    ):
        await reader.readuntil(b"\r\n\r\n")
        assert (await http.get("/api/events/x/availability")).status_code == 200
        assert await reader.read(-1) == HALL


@pytest.mark.parametrize("path", ["/api/events", SEAT_MAP])
async def test_large_response_arrives_complete(client: httpx.AsyncClient, services: Services, path: str) -> None:
    services.handlers[path] = hall
    assert (await client.get(path)).content == HALL


async def test_compressed_response_stays_compressed(client: httpx.AsyncClient, services: Services) -> None:
    async def answer(_: web.Request) -> web.Response:
        response = web.json_response({"seats": ["A"] * 1000})
        response.enable_compression(web.ContentCoding.gzip)
        return response

    services.handlers["/api/events"] = answer
    got = await client.get("/api/events", headers={"Accept-Encoding": "gzip"})
    assert got.headers["Content-Encoding"] == "gzip"
    assert got.json() == {"seats": ["A"] * 1000}


@pytest.mark.parametrize("status", [204, 304])
async def test_response_without_a_body_stays_empty(client: httpx.AsyncClient, services: Services, status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    services.handlers["/api/events"] = answer
    got = await client.get("/api/events")
    assert (got.status_code, got.content) == (status, b"")


async def test_disconnecting_client_does_not_disturb_the_gateway(
    gateway: str, services: Services, bearer: dict[str, str]
) -> None:
    arrived, done = asyncio.Event(), asyncio.Event()
    goes_on = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        arrived.set()
        await goes_on.wait()
        done.set()
        return web.json_response({})

    services.handlers["/api/pay"] = answer
    async with http_client(gateway) as http:
        paying = asyncio.create_task(http.post("/api/pay", headers=bearer, json={}))
        await asyncio.wait_for(arrived.wait(), ANSWER_SECONDS)
        paying.cancel()
        await asyncio.gather(paying, return_exceptions=True)
    goes_on.set()
    await asyncio.wait_for(done.wait(), ANSWER_SECONDS)


async def test_request_body_that_stalls_is_400(gateways: Gateways, services: Services) -> None:
    async with gateways(request_body_seconds=0.2) as url:
        answer = await exchange(
            url, b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhalf"
        )
        assert answer.startswith(b"HTTP/1.1 400")
        assert services.received == []


async def hall(_: web.Request) -> web.StreamResponse:
    """Handle a request by sending a large body."""
    return web.Response(body=HALL)


def breaking_off(*, announced: int | None, sent: int, then: Handler | None = None) -> Handler:
    """Handle a request by sending less than announced, then closing or calling `then`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if announced is not None:
            response.content_length = announced
        await response.prepare(request)
        await response.write(b"x" * sent)
        if then is not None:
            return await then(request)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def assert_not_whole(body: bytes, announced: int | None) -> None:
    if announced is None:
        assert not body.endswith(b"0\r\n\r\n")
    else:
        assert len(body) < announced
