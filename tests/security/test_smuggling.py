"""Requests that two parsers could split differently: no service receives the hidden request."""

import pytest

from tests.integration.gateway.raw import ask, exchange
from tests.integration.gateway.services import Services

HIDDEN = b"GET /internal/orders HTTP/1.1\r\nHost: x\r\nX-Hidden: yes\r\n\r\n"
LOGIN = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


SMUGGLED = {
    "CL.TE": LOGIN + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s" % (5 + len(HIDDEN), HIDDEN),
    "TE.CL": LOGIN + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunked(HIDDEN),
    "TE.TE": LOGIN
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n\r\n"
    + chunked(HIDDEN),
    "two lengths": LOGIN + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "a list of lengths": LOGIN + b"Content-Length: 0, %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "a length with a sign": LOGIN + b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a negative length": LOGIN + b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "a hexadecimal length": LOGIN + b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "a length beyond any number": LOGIN + b"Content-Length: 99999999999999999999999\r\n\r\n" + HIDDEN,
    "a space before the colon": LOGIN + b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n" + chunked(HIDDEN),
    "a tab in the encoding": LOGIN + b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 4\r\n\r\n" + chunked(HIDDEN),
    "another encoding": LOGIN + b"Transfer-Encoding: gzip, chunked, identity\r\n\r\n" + chunked(HIDDEN),
    "chunks inside a chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"0\r\n\r\n" + HIDDEN),
    "a folded line": LOGIN + b"X-Long: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "a folded encoding": LOGIN + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n" + chunked(HIDDEN),
    "bare line feeds": b"GET /api/events HTTP/1.1\nHost: x\nConnection: close\n\n",
    "a bare carriage return": b"GET /api/events HTTP/1.1\r\nHost: x\r\nX-A: b\rX-Hidden: yes\r\nConnection: close\r\n\r\n",
    "a null byte in a header": b"GET /api/events HTTP/1.1\r\nHost: x\r\nX-A: \0\r\nConnection: close\r\n\r\n",
    "a null byte in the path": b"GET /api/events\0/internal/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a chunk size beyond any number": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n" + HIDDEN,
    "a chunk size with an extension": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n0;x=\n\r\n\r\n" + HIDDEN,
    "HTTP/0.9": b"GET /internal/orders\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade to HTTP/2": b"GET /api/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
async def test_smuggled_request_reaches_no_service(gateway: str, services: Services, sent: bytes) -> None:
    answer = await exchange(gateway, sent)
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert {seen.target for seen in services.received} <= {"/api/auth/login", "/api/events"}
    assert [seen for seen in services.received if "X-Hidden" in seen.headers] == []


async def test_pipelined_requests_are_each_validated(gateway: str, services: Services) -> None:
    first = b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /api/venues HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await exchange(gateway, first + HIDDEN + last)
    assert answer.count(b"HTTP/1.1 ") == 3
    assert [seen.target for seen in services.received] == ["/api/events", "/api/venues"]


@pytest.mark.parametrize("named", ["Authorization", "X-Forwarded-For", "X-Correlation-ID", "Content-Length", "Host"])
async def test_connection_header_cannot_remove_gateway_headers(gateway: str, services: Services, named: str) -> None:
    """RFC 9110 §7.6.1: a proxy drops the headers that `Connection` names. That must not drop the gateway's own headers."""
    answer = await ask(gateway, "/api/events", f"Connection: {named}", f"X-Forwarded-For: 6.6.6.6, {named}")
    assert answer.status in {200, 400}
    for seen in services.received:
        assert seen.headers["X-Forwarded-For"] == "127.0.0.1"
        assert seen.headers["X-Correlation-ID"]


@pytest.mark.parametrize(
    "target",
    [
        "/INTERNAL/orders",
        "/Api/events",
        "/API/EVENTS",
        "/api/events.",
        "/api/events./",
        "/api/admin./sagas",
        "/api/events/..%00/",
        "/api/events%23/../internal",
        "/api/events#/internal/orders",
        "/api/events%3f/internal/orders",
        "/api/%2f/internal/orders",
        "/api%2f..%2finternal%2forders",
        "/%2e%2e/internal/orders",
        "/api/%252e%252e/internal/orders",
        "/api/\u00af\u00af/internal".encode().decode("latin-1"),
        "///internal/orders",
        "/api/..%c0%af../internal/orders",
        "http:///internal/orders",
        "internal/orders",
        "@127.0.0.1/internal/orders",
    ],
)
async def test_no_path_spelling_reaches_an_internal_route(gateway: str, services: Services, target: str) -> None:
    answer = await ask(gateway, target, "X-Original-URL: /internal/orders", "X-Rewrite-URL: /internal/orders")
    # A fragment is not part of a request target; the path before it is handled as usual.
    assert answer.status in ({200, 400, 404} if "#" in target else {400, 401, 404})
    assert {seen.target.partition("#")[0] for seen in services.received} <= {"/api/events"}


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "get", "DELETE", "PUT", "PURGE"])
async def test_unlisted_method_reaches_no_service(gateway: str, services: Services, method: str) -> None:
    answer = await ask(gateway, "/api/events", "X-HTTP-Method: GET", "X-HTTP-Method-Override: GET", method=method)
    assert answer.status in {400, 404, 405}
    assert services.received == []
