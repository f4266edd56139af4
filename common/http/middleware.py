"""Middleware for every request: correlation id, trace, size limit, metrics, HEAD, a log line, and 500 for unexpected errors.

One ASGI layer, because each layer costs time on every request.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.trace import Span
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth.principal import Principal
from common.errors import Internal, InvalidRequest, ServiceError
from common.http.error_mapping import error_response
from common.telemetry.correlation import CORRELATION_HEADER, correlation_id, set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.metrics import REQUEST_SECONDS
from common.telemetry.tracing import NO_SPAN, TRACEPARENT, MaybeSpan, SpanKind, continued_span, fail, is_tracing

__all__ = ["RequestContext", "TrustsTraceparent", "note_user", "trust_all", "trust_none"]

CORRELATION_HEADER_BYTES: Final = CORRELATION_HEADER.lower().encode()
TRACEPARENT_BYTES: Final = TRACEPARENT.encode()
HEAD: Final = "HEAD"
IS_HEAD: Final = "is_head"
"""In the scope of a request that came as HEAD, for routes whose GET has an effect."""
GET: Final = "GET"
UNMATCHED: Final = "(unmatched)"
# Polled every few seconds; their traces and log lines would outnumber the others.
POLLED: Final = frozenset({"/health", "/livez", "/metrics"})
USER: Final = "user_id"  # in a request's scope
FIRST_FAILURE_STATUS: Final = 500

TrustsTraceparent = Callable[[Scope], bool]

logger = get_logger(__name__)


class BodyTooLarge(HTTPException):
    """An `HTTPException`, because FastAPI passes on only those while it reads a body."""

    def __init__(self) -> None:
        super().__init__(status_code=413, detail="The body is too large.")


def trust_none(_: Scope) -> bool:
    return False


def trust_all(_: Scope) -> bool:
    return True


def note_user(scope: Scope, user: Principal) -> None:
    """Name the user in the request's log line."""
    scope[USER] = str(user.user_id)


class RequestContext:
    """Wraps an ASGI app. Bodies over `max_body_bytes` are refused with 413, even if no length is announced.

    Args:
        trusts_traceparent: whether a request's `traceparent` is continued; if not, the request begins a new trace.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, trusts_traceparent: TrustsTraceparent = trust_all) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._trusts_traceparent = trusts_traceparent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        headers = dict(scope["headers"])
        offered = headers.get(CORRELATION_HEADER_BYTES, b"").decode("latin-1")
        is_head = scope["method"] == HEAD
        response = _Response(send, set_correlation_id(offered).encode(), has_body=not is_head)
        # HEAD is GET without the body (RFC 9110 §9.3.2). The server keeps its own scope.
        scope = {**scope, "method": GET, IS_HEAD: True} if is_head else scope
        with self._span(scope, headers) as traced:
            try:
                _refuse_announced_size(headers, self._max_body_bytes)
                await self._app(scope, _limited(receive, self._max_body_bytes), response.send)
            except BodyTooLarge as error:
                await response.refuse(scope, receive, InvalidRequest(error.detail), status=error.status_code)
            except Exception:
                logger.exception("request.crashed", path=_template_of(scope))
                await response.refuse(scope, receive, Internal(), status=500)
            finally:
                _observe(scope, response.status, time.perf_counter() - started_at, traced)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        set_correlation_id(dict(scope["headers"]).get(CORRELATION_HEADER_BYTES, b"").decode("latin-1"))
        try:
            await self._app(scope, receive, send)
        finally:
            seconds = time.perf_counter() - started_at
            logger.info("websocket", path=_template_of(scope), seconds=round(seconds, 1), **_user_of(scope))

    def _span(self, scope: Scope, headers: dict[bytes, bytes]) -> MaybeSpan:
        if not is_tracing() or scope["path"] in POLLED:
            return NO_SPAN
        offered = headers.get(TRACEPARENT_BYTES)
        parent = offered.decode("latin-1") if offered and self._trusts_traceparent(scope) else None
        return continued_span(scope["method"], SpanKind.SERVER, parent, {"correlation_id": correlation_id()})


class _Response:
    """Adds the correlation id to the response and records its status."""

    def __init__(self, send: Send, correlation_id: bytes, *, has_body: bool) -> None:
        self._send = send
        self._correlation_id = correlation_id
        self._has_body = has_body
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (CORRELATION_HEADER_BYTES, self._correlation_id)]
        elif not self._has_body:
            message = {**message, "body": b""}
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, error: ServiceError, *, status: int) -> None:
        if self.status:  # the response has begun, so the server closes the connection
            return
        response = error_response(error)
        response.status_code = status
        await response(scope, receive, self.send)


def _refuse_announced_size(headers: dict[bytes, bytes], max_body_bytes: int) -> None:
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > max_body_bytes:
        raise BodyTooLarge


def _limited(receive: Receive, max_body_bytes: int) -> Receive:
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_body_bytes:
            raise BodyTooLarge
        return message

    return receive_within_limit


def _observe(scope: Scope, status: int, seconds: float, traced: Span | None) -> None:
    route = _template_of(scope)
    if traced is not None:
        traced.update_name(f"{scope['method']} {route}")
        traced.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= FIRST_FAILURE_STATUS:
            fail(traced, str(status))
    REQUEST_SECONDS.labels(scope["method"], route, status).observe(seconds)
    log = logger.debug if scope["path"] in POLLED else logger.info
    log("request", method=scope["method"], path=route, status=status, ms=round(seconds * 1000, 1), **_user_of(scope))


def _template_of(scope: Scope) -> str:
    """Return the path with the names of its parameters: values may be personal, and targets contain queries."""
    # A route of an included router knows its own path only; FastAPI's context of it has the prefix.
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return str(getattr(route, "path", UNMATCHED))


def _user_of(scope: Scope) -> dict[str, Any]:
    return {USER: scope[USER]} if USER in scope else {}
