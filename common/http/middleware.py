"""What happens around every request: correlation id, trace, size limit, metrics, one log line, no leak of internals.

One plain ASGI layer instead of several, because each layer is paid for on every request.
"""

import time
from collections.abc import Callable
from typing import Final

from opentelemetry.trace import Span
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import Internal, InvalidRequest, ServiceError
from common.http.errors import error_response
from common.telemetry.correlation import CORRELATION_HEADER, correlation_id, set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.metrics import REQUEST_SECONDS
from common.telemetry.tracing import NO_SPAN, TRACEPARENT, MaybeSpan, SpanKind, continued_span, fail, is_tracing

__all__ = ["BelievesTrace", "RequestContext", "everybody", "nobody"]

CORRELATION_HEADER_BYTES: Final = CORRELATION_HEADER.lower().encode()
TRACEPARENT_BYTES: Final = TRACEPARENT.encode()
UNMATCHED: Final = "(unmatched)"
# Asked every few seconds by machines; a trace of each would bury the others.
UNTRACED: Final = frozenset({"/health", "/livez", "/metrics"})
FIRST_FAILURE_STATUS: Final = 500

BelievesTrace = Callable[[Scope], bool]

logger = get_logger(__name__)


class BodyTooLarge(HTTPException):
    """An `HTTPException`, because FastAPI lets only those pass while it reads a body."""

    def __init__(self) -> None:
        super().__init__(status_code=413, detail="The body is too large.")


def nobody(_: Scope) -> bool:
    return False


def everybody(_: Scope) -> bool:
    """Believe the `traceparent` of whoever sends one."""
    return True


class RequestContext:
    """Wraps an ASGI app. Bodies over `max_body_bytes` are refused with 413, also when no length was announced.

    Args:
        believes_trace: whose `traceparent` is continued; others' requests begin traces of their own.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, believes_trace: BelievesTrace = everybody) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._believes_trace = believes_trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        headers = dict(scope["headers"])
        offered = headers.get(CORRELATION_HEADER_BYTES, b"").decode("latin-1")
        answer = _Answer(send, set_correlation_id(offered).encode())
        with self._span(scope, headers) as traced:
            try:
                _refuse_announced_size(headers, self._max_body_bytes)
                await self._app(scope, _limited(receive, self._max_body_bytes), answer.send)
            except BodyTooLarge as error:
                await answer.refuse(scope, receive, InvalidRequest(error.detail), status=error.status_code)
            except Exception:
                logger.exception("request.crashed", path=scope["path"])
                await answer.refuse(scope, receive, Internal(), status=500)
            finally:
                _observe(scope, answer.status, time.perf_counter() - started_at, traced)

    def _span(self, scope: Scope, headers: dict[bytes, bytes]) -> MaybeSpan:
        if not is_tracing() or scope["path"] in UNTRACED:
            return NO_SPAN
        offered = headers.get(TRACEPARENT_BYTES)
        parent = offered.decode("latin-1") if offered and self._believes_trace(scope) else None
        return continued_span(scope["method"], SpanKind.SERVER, parent, {"correlation_id": correlation_id()})


class _Answer:
    """Adds the correlation id to the answer and remembers its status."""

    def __init__(self, send: Send, correlation_id: bytes) -> None:
        self._send = send
        self._correlation_id = correlation_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (CORRELATION_HEADER_BYTES, self._correlation_id)]
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, error: ServiceError, *, status: int) -> None:
        if self.status:  # half an answer is already out; the server closes the connection
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
    route = getattr(scope.get("route"), "path", UNMATCHED)
    if traced is not None:
        traced.update_name(f"{scope['method']} {route}")
        traced.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= FIRST_FAILURE_STATUS:
            fail(traced, str(status))
    REQUEST_SECONDS.labels(scope["method"], route, status).observe(seconds)
    logger.debug("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 1))
