"""Which headers cross the gateway, in both directions."""

import uuid

import httpx
import pytest
from aiohttp import web

from tests.integration.gateway.conftest import Gateways, until_ready
from tests.integration.gateway.raw import ask
from tests.integration.gateway.services import Services

DEVICE = "device_0123456789ab"
# Headers by which a client could pose as another user or as a service.
FORGED = (
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Host: evil.test",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Prefix: /internal",
    "X_Forwarded_For: 6.6.6.6",
    "Forwarded: for=6.6.6.6;host=evil.test",
    "X-Real-IP: 6.6.6.6",
    "X-Original-URL: /internal/orders",
    "X-Rewrite-URL: /internal/orders",
    "X-Error-Kind: conflict",
    "X-Refusal-Remembered: true",
    "X-Service-Token: forged",
    "X-User-Id: 41414141-4141-4141-4141-414141414141",
    "Proxy-Authorization: Basic Zm9yZ2Vk",
    "Cookie: session=1",
    "TE: trailers",
    "Expect: 100-continue",
    "Keep-Alive: timeout=1000",
)


async def test_forged_internal_headers_are_dropped(gateway: str, services: Services) -> None:
    await ask(gateway, "/api/events", *FORGED)
    seen = services.last.headers
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert seen["X-Forwarded-Proto"] == "http"
    forged = {line.partition(":")[0].lower() for line in FORGED}
    assert {name.lower() for name in seen} & forged == {"x-forwarded-for", "x-forwarded-proto"}
    assert "gateway.test" not in seen["Host"]


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        (f"{DEVICE}=a-Token_1", f"{DEVICE}=a-Token_1"),
        (f"theme=dark; {DEVICE}=abc; session=1", f"{DEVICE}=abc"),
        (f"{DEVICE}=abc; device_abcdef012345=def", f"{DEVICE}=abc; device_abcdef012345=def"),
        (f"x{DEVICE}=abc", None),
        (f"{DEVICE}0=abc", None),
        ("device=abc", None),
        ("device_ABCDEF012345=abc", None),
        (f"{DEVICE}=", None),
        (f'{DEVICE}="a b"', None),
        (f"{DEVICE}=a%20b", None),
    ],
)
async def test_device_token_is_the_only_cookie_that_is_forwarded(
    gateway: str, services: Services, sent: str, forwarded: str | None
) -> None:
    await ask(gateway, "/api/auth/login", f"Cookie: {sent}", method="POST")
    assert services.last.headers.get("Cookie") == forwarded


async def test_headers_that_services_need_are_forwarded(gateway: str, services: Services, token: str) -> None:
    lines = {
        "Accept": "application/json",
        "Accept-Language": "de, en;q=0.5",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "a-key-of-mine",
        "If-None-Match": '"v1"',
        "User-Agent": "fan-app/1.0",
    }
    await ask(gateway, "/api/tickets", *(f"{name}: {value}" for name, value in lines.items()))
    assert {name: services.last.headers[name] for name in lines} == lines


async def test_no_other_header_is_added(gateway: str, services: Services) -> None:
    await ask(gateway, "/api/events")
    assert {name.lower() for name in services.last.headers} == {
        "host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-correlation-id",
    }


async def test_correlation_id_is_forwarded_and_returned(client: httpx.AsyncClient, services: Services) -> None:
    answer = await client.get("/api/events", headers={"X-Correlation-ID": "click-0001"})
    assert services.last.headers["X-Correlation-ID"] == "click-0001"
    assert answer.headers.get_list("X-Correlation-ID") == ["click-0001"]


@pytest.mark.parametrize("offered", ["", "short", "a b c d e f g h", "x" * 129, "<script>alert(1)</script>"])
async def test_unsafe_correlation_id_is_replaced(client: httpx.AsyncClient, services: Services, offered: str) -> None:
    answer = await client.get("/api/events", headers={"X-Correlation-ID": offered})
    given = answer.headers["X-Correlation-ID"]
    assert given != offered
    assert services.last.headers["X-Correlation-ID"] == given


async def test_internal_response_headers_are_removed(client: httpx.AsyncClient, services: Services) -> None:
    async def answer(_: web.Request) -> web.Response:
        headers = {
            "X-Error-Kind": "conflict",
            "X-Refusal-Remembered": "true",
            "X-Correlation-ID": "the-service-says-otherwise",
            "Connection": "keep-alive, X-Only-This-Hop",
            "X-Only-This-Hop": "1",
            "Keep-Alive": "timeout=5",
            "Server": "secret/1.0",
            "Retry-After": "3",
            "ETag": '"v1"',
        }
        return web.json_response({"success": False, "error_code": "SEAT_UNAVAILABLE"}, status=409, headers=headers)

    services.handlers["/api/events"] = answer
    got = await client.get("/api/events")
    assert got.status_code == 409
    assert got.json()["error_code"] == "SEAT_UNAVAILABLE"
    assert got.headers["Retry-After"] == "3"
    assert got.headers["ETag"] == '"v1"'
    hidden = {"x-error-kind", "x-refusal-remembered", "connection", "x-only-this-hop", "keep-alive", "server"}
    assert not hidden & set(got.headers)
    assert got.headers["X-Correlation-ID"] != "the-service-says-otherwise"
    assert len(got.headers.get_list("date")) == 1


async def test_redirect_is_returned_to_the_client(client: httpx.AsyncClient, services: Services) -> None:
    async def answer(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/internal")

    services.handlers["/api/events"] = answer
    got = await client.get("/api/events")
    assert (got.status_code, got.headers["Location"]) == (302, "http://127.0.0.1:1/internal")


async def test_every_response_has_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/api/events", "/api/nothing", "/", "/docs", "/health", "/api/pay"):
        answer = await client.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Correlation-ID"]
        assert "X-Error-Kind" not in answer.headers


async def test_api_responses_are_not_cacheable(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str]
) -> None:
    async def crash(_: web.Request) -> web.Response:
        raise web.HTTPInternalServerError

    services.handlers["/api/venues"] = crash
    answers = [
        await client.post("/api/auth/login", json={}),  # tokens, and no Authorization on the request
        await client.get("/api/tickets", headers=bearer),
        await client.get("/api/tickets"),
        await client.get("/api/events"),
        await client.get("/api/venues"),
        await client.get("/api/nothing"),
        await client.delete("/api/events"),
        await client.post("/api/auth/login", content=b"x" * 2_000_000),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 200, 500, 404, 405, 413]
    assert [answer.headers.get_list("Cache-Control") for answer in answers] == [["no-store"]] * len(answers)


async def test_cache_headers_of_a_service_are_kept(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str]
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"Cache-Control": "private, max-age=5"})

    services.handlers["/api/tickets"] = answer
    got = await client.get("/api/tickets", headers=bearer)
    assert got.headers.get_list("Cache-Control") == ["private, max-age=5"]


async def test_client_address_behind_a_trusted_proxy_is_the_forwarded_one(
    gateways: Gateways, services: Services
) -> None:
    async with gateways(trusted_proxies="127.0.0.1, 10.0.0.0/8") as url:
        await ask(url, "/api/events", "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3", "X-Forwarded-Proto: https")
        assert services.last.headers["X-Forwarded-For"] == "203.0.113.9"
        await ask(url, "/api/events", "X-Forwarded-For: 203.0.113.9, not-an-address, 10.1.2.3")
        assert services.last.headers["X-Forwarded-For"] == "10.1.2.3"
        await ask(url, "/api/events")
        assert services.last.headers["X-Forwarded-For"] == "127.0.0.1"


async def test_metrics_are_for_operators_only(gateways: Gateways, client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 200
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status_code == 404
    async with gateways(operator_networks="192.0.2.0/24", trusted_proxies="127.0.0.1") as url:
        await until_ready(url)
        assert (await ask(url, "/metrics")).status == 404
        for asked_for in ("203.0.113.9", "192.0.2.7"):  # through a proxy the client is unknown
            assert (await ask(url, "/metrics", f"X-Forwarded-For: {asked_for}")).status == 404


async def test_requests_are_measured_by_route_and_not_by_id(client: httpx.AsyncClient) -> None:
    await client.get(f"/api/events/{uuid.uuid4()}")
    metrics = (await client.get("/metrics")).text
    assert 'request_duration_seconds_count{method="GET",route="/api/events/{event_id}",status="200"}' in metrics
