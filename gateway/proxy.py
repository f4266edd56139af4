"""Forwards requests to services, by aiohttp: 4,620 requests a second, where httpx as shipped does 342 (docs/adr)."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from multidict import CIMultiDict
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from common.errors import InvalidRequest, OutcomeUnknown, Unavailable
from common.http.client import IDLE_SECONDS
from common.http.middleware import HEAD, IS_HEAD
from common.telemetry.metrics import REMOTE_CALLS
from common.telemetry.tracing import TRACEPARENT, client_span, current_traceparent
from gateway.headers import Headers, response_headers
from gateway.routing import Route, Upstream

__all__ = ["Proxy", "ResponseInterrupted", "received"]

CONNECT_SECONDS: Final = 2.0
DOCUMENT_TIMEOUT: Final = aiohttp.ClientTimeout(total=3.0)
# A seat map up to this size is read whole, so that an interruption can still become an error.
MAX_WHOLE_BYTES: Final = 262_144
BODYLESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BODYLESS_STATUSES: Final = frozenset({204, 304})


class ResponseInterrupted(Exception):
    """A long response broke off after its first part was sent, so the client's connection must be closed."""


class Proxy:
    """Forwards requests and responses. Bodies are unchanged, compressed or not.

    A response is read whole before the client gets its first byte, so that slow clients do not keep connections that
    purchases need. Seat maps are too long for that (13 MB for 100,000 seats, times thousands of clients), so they are
    streamed over a few connections of their own, which is all that slow clients can use up.

    Args:
        timeout_seconds: for a service's whole response; for each part of a seat map, however slow its client is.
        connections: the maximum to each service.
        long_connections: the additional maximum for seat maps.
    """

    def __init__(
        self,
        upstreams: Mapping[Upstream, str],
        *,
        timeout_seconds: float,
        connections: int,
        long_connections: int,
        request_body_seconds: float,
    ) -> None:
        self._bases = {upstream: url.rstrip("/") for upstream, url in upstreams.items()}
        self._connections = connections
        self._long_connections = long_connections
        self._request_body_seconds = request_body_seconds
        self._session: aiohttp.ClientSession | None = None
        self._long_session: aiohttp.ClientSession | None = None
        # Under load a request may wait for a free connection as long as for its response; only connecting must be quick.
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_SECONDS)
        self._long_timeout = aiohttp.ClientTimeout(sock_read=timeout_seconds, connect=CONNECT_SECONDS)

    async def open(self) -> None:
        self._session = _session(self._connections)
        self._long_session = _session(self._long_connections)

    async def close(self) -> None:
        for session in (self._session, self._long_session):
            if session is not None:
                await session.close()

    async def forward(
        self, route: Route, scope: Scope, receive: Receive, send: Send, *, headers: CIMultiDict[str], extra: Headers
    ) -> None:
        """Send the request to its service and the response to the client, with `extra` headers.

        Raises:
            InvalidRequest: the client did not send the body in time, or disconnected.
            Unavailable: the service could not be reached; nothing was sent.
            OutcomeUnknown: the service did not respond in time, or broke off before the client got a byte.
            ResponseInterrupted: the service broke off later.
        """
        session = self._long_session if route.is_long else self._session
        assert session is not None  # noqa: S101 - opened before the first request
        body = None if route.method in BODYLESS_METHODS else await self.read_body(receive)
        method = HEAD if scope.get(IS_HEAD) else route.method
        try:
            with client_span(route.upstream, route.method):
                if traceparent := current_traceparent():
                    headers[TRACEPARENT] = traceparent
                response = await session.request(
                    method,
                    self._url(route, scope),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    timeout=self._timeout_of(route),
                )
            async with response:
                whole = await response.read() if not route.is_long or _is_small(response) else None
                REMOTE_CALLS.labels(route.upstream, route.method, "ok").inc()
                await self._respond(response, whole, send, extra)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            REMOTE_CALLS.labels(route.upstream, route.method, "unreachable").inc()
            raise Unavailable(upstream=route.upstream, reason=repr(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            REMOTE_CALLS.labels(route.upstream, route.method, "unknown").inc()
            raise OutcomeUnknown(upstream=route.upstream, reason=repr(error)) from error

    async def read_json(self, upstream: Upstream, path: str) -> dict[str, Any]:
        """Return a JSON document that a service serves without a token.

        Raises:
            Unavailable: the service returned none.
        """
        assert self._session is not None  # noqa: S101 - as above
        try:
            url = URL(self._bases[upstream] + path, encoded=True)
            async with self._session.get(url, timeout=DOCUMENT_TIMEOUT, raise_for_status=True) as response:
                return dict(await response.json())
        except (aiohttp.ClientError, TimeoutError, ValueError, TypeError) as error:
            raise Unavailable(upstream=upstream, reason=repr(error)) from error

    async def read_body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._request_body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise InvalidRequest("The request was interrupted.")
                    parts.append(message.get("body", b""))
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError as error:
            raise InvalidRequest("The request's body took too long to arrive.") from error

    async def _respond(self, response: aiohttp.ClientResponse, whole: bytes | None, send: Send, extra: Headers) -> None:
        headers = response_headers(response.raw_headers)
        names = {name for name, _ in headers}
        headers.extend(header for header in extra if header[0] not in names)  # the service's header takes precedence
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if whole is None:
            await self._stream(response, send)
        await send({"type": "http.response.body", "body": whole or b""})

    async def _stream(self, response: aiohttp.ClientResponse, send: Send) -> None:
        try:
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ResponseInterrupted(repr(error)) from error

    def _url(self, route: Route, scope: Scope) -> URL:
        query: bytes = scope["query_string"]
        target = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
        return URL(self._bases[route.upstream] + target.decode("latin-1"), encoded=True)

    def _timeout_of(self, route: Route) -> aiohttp.ClientTimeout:
        if route.is_long:
            return self._long_timeout
        if route.timeout_seconds is None:
            return self._timeout
        return aiohttp.ClientTimeout(total=route.timeout_seconds, sock_connect=CONNECT_SECONDS)


def received(body: bytes) -> Receive:
    """Return what gives a body that was read before to `forward`."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return receive


def _session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )


def _is_small(response: aiohttp.ClientResponse) -> bool:
    length = response.content_length
    return response.status in BODYLESS_STATUSES or (length is not None and length <= MAX_WHOLE_BYTES)
