"""Attempts to bypass the allow-list: each is refused and reaches no service."""

import asyncio
from urllib.parse import urlsplit

import pytest

from gateway.routing import Upstream
from tests.integration.gateway.raw import ask, exchange
from tests.integration.gateway.services import Services

USER = "41414141-4141-4141-4141-414141414141"


@pytest.mark.parametrize(
    "target",
    [
        "/internal/ledger/top-up",
        "/internal/orders",
        "/api/internal/ledger/top-up",
        "//internal/orders",
        "/api//events",
        "/api/events/",
        "/api/events//",
        "/./api/events",
        "/api/./events",
        "/api/../internal/orders",
        "/api/events/../../internal/orders",
        "/api/events/..",
        "/api/events/.",
        "/api/events/.hidden",
        "/api/events/..;/internal/orders",
        "/api/events;x=1",
        "/api/events/%2e%2e/%2e%2e/internal/orders",
        "/api/events/..%2f..%2finternal%2forders",
        "/api/events/%2E%2E%2Finternal",
        "/api/events%2f" + USER,
        "/api/%65vents",
        "/%61pi/events",
        "/api/events/%00",
        "/api/events/" + USER + "%0d%0aX-Injected:%20yes",
        "/api/events/" + USER + "%20",
        "/api\\events",
        "/api/events\\..\\..\\internal",
        "/api/events/%5c..%5c",
        "/api/events/\xe4",
        "/api/events/" + USER + "/availability/more",
        "/.well-known/jwks.json",
        "/livez/../internal/orders",
        "*",
    ],
)
async def test_path_off_the_allow_list_is_refused(gateway: str, services: Services, token: str, target: str) -> None:
    answer = await ask(gateway, target, f"Authorization: Bearer {token}")
    assert answer.status in {400, 404}  # uvicorn returns 400 for what is no HTTP at all
    assert services.received == []


@pytest.mark.parametrize("path", ["/internal/orders", "/.well-known/jwks.json", "/api/nothing"])
async def test_absolute_form_target_to_another_host_is_refused(
    gateway: str, services: Services, token: str, path: str
) -> None:
    own = await ask(gateway, f"{services.urls[Upstream.USERS]}{path}", f"Authorization: Bearer {token}")
    assert own.status in {400, 404}
    assert services.received == []


async def test_absolute_form_target_is_routed_by_its_path(gateway: str, services: Services) -> None:
    assert (await ask(gateway, "http://elsewhere.test:9/api/events")).status == 200
    assert (services.last.service, services.last.target) == ("orchestrator", "/api/events")
    assert "elsewhere" not in str(services.last.headers)


async def test_connect_method_is_refused(gateway: str, services: Services) -> None:
    answer = await exchange(gateway, b"CONNECT 127.0.0.1:5000 HTTP/1.1\r\nHost: 127.0.0.1:5000\r\n\r\n")
    assert not answer.startswith(b"HTTP/1.1 2")
    assert services.received == []


async def test_smuggled_second_request_is_not_forwarded(gateway: str, services: Services) -> None:
    hidden = b"GET /internal/orders HTTP/1.1\r\nHost: x\r\n\r\n"
    await exchange(
        gateway,
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n0\r\n\r\n%s" % (5 + len(hidden), hidden),
    )
    assert all(seen.target == "/api/auth/login" and seen.body == b"" for seen in services.received)


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Content-Type", "authorization"])
async def test_duplicate_security_header_is_refused(gateway: str, services: Services, token: str, name: str) -> None:
    answer = await ask(
        gateway, "/api/tickets", f"Authorization: Bearer {token}", f"{name}: Bearer {token}", f"{name}: Bearer other"
    )
    assert answer.status == 400
    assert answer.json["error_code"] == "VALIDATION_ERROR"
    assert services.received == []


async def test_method_override_headers_change_nothing(gateway: str, services: Services) -> None:
    await ask(gateway, "/api/events", "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE")
    assert services.last.method == "GET"
    assert not [name for name in services.last.headers if "override" in name.lower()]


async def test_body_over_the_limit_is_413_with_or_without_a_length(gateway: str, services: Services) -> None:
    announced = await ask(gateway, "/api/auth/login", "Content-Length: 1048577", method="POST")
    assert announced.status == 413
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    chunked = await ask(
        gateway, "/api/auth/login", "Transfer-Encoding: chunked", method="POST", body=chunk * 17 + b"0\r\n\r\n"
    )
    assert chunked.status == 413
    assert chunked.json["success"] is False
    assert "x-error-kind" not in chunked.headers
    assert services.received == []


async def test_body_of_exactly_the_limit_is_accepted(gateway: str, services: Services) -> None:
    answer = await ask(gateway, "/api/auth/login", "Content-Length: 1048576", method="POST", body=b"x" * 1_048_576)
    assert answer.status == 200
    assert len(services.last.body) == 1_048_576


async def test_truncated_request_is_not_forwarded(gateway: str, services: Services) -> None:
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    address = urlsplit(gateway)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head + b"half")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await ask(gateway, "/api/events")
    assert [seen.target for seen in services.received] == ["/api/events"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_body_of_a_bodyless_method_is_not_forwarded(gateway: str, services: Services, method: str) -> None:
    hidden = b"GET /internal/orders HTTP/1.1\r\nHost: x\r\n\r\n"
    await ask(gateway, "/api/events", f"Content-Length: {len(hidden)}", method=method, body=hidden)
    assert [(seen.target, seen.body) for seen in services.received] == [("/api/events", b"")] * (method != "OPTIONS")


@pytest.mark.parametrize(
    "query", ["q=%zz", "q=%00", "q=%0d%0aX:1", 'q="<>\\^`{|}', "q=../../internal", "a=1&a=2", "?", "q=a+b;c"]
)
async def test_query_is_forwarded_unchanged(gateway: str, services: Services, query: str) -> None:
    answer = await ask(gateway, f"/api/events?{query}")
    assert answer.status == 200
    assert services.last.target.startswith("/api/events?")
    assert "X" not in services.last.headers


@pytest.mark.parametrize("value", ["\xe4\xf6", "\x7f", "a\tb", '"' * 2000, ", " * 100])
async def test_unusual_header_value_is_handled(gateway: str, services: Services, value: str) -> None:
    answer = await ask(gateway, "/api/events", f"User-Agent: {value}")
    assert answer.status in {200, 400}  # 400 comes from the parser
    assert len(services.received) == (answer.status == 200)
