"""Traces through HTTP, gRPC and messages, by OpenTelemetry.

Tracing is off unless an OTLP endpoint is set: then a span costs one read of a global, and the SDK is not imported.
Sampling, batching and the exporter are configured by the SDK's standard environment variables.

A trace begins where work arrives: with a request, a message, a job or a saga that another process left
(`continued_span`). Its parts are each a `span`. Outside of a trace, such as in background tasks, `span` does nothing.
Traces are passed on by W3C Trace Context: `traceparent` in HTTP headers, gRPC metadata, AMQP headers and the message.

No span contains an exception's text or a whole URL, because both may quote what must not be logged.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = [
    "LAST_SPANS_SECONDS",
    "NO_SPAN",
    "TRACEPARENT",
    "MaybeSpan",
    "SpanKind",
    "client_span",
    "continued_span",
    "continuing",
    "current_traceparent",
    "fail",
    "is_tracing",
    "span",
    "start_tracing",
    "stop_tracing",
    "trace_id",
]

TRACEPARENT: Final = "traceparent"

_W3C: Final = TraceContextTextMapPropagator()
NO_SPAN: Final = nullcontext[Span | None]()
LAST_SPANS_SECONDS: Final = 2.0

MaybeSpan = AbstractContextManager[Span | None]


def _nothing() -> None:
    """Do nothing: tracing is off."""


class _Tracing:
    """The tracer of this process; None while tracing is off."""

    tracer: Tracer | None = None
    stop = staticmethod(_nothing)


def start_tracing(*, service: str) -> None:
    """Send spans to the endpoint that the environment names. Call it once per process, after any fork."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - loaded only when tracing is on

    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))

    _Tracing.tracer = provider.get_tracer("ticketremaster")
    _Tracing.stop = staticmethod(provider.shutdown)


def stop_tracing() -> None:
    """Send the collected spans and stop. Blocks for two seconds at most.

    The SDK waits half a minute for an unresponsive collector, so it does that in a thread that ends with the process.
    """
    stop, _Tracing.tracer, _Tracing.stop = _Tracing.stop, None, staticmethod(_nothing)
    thread = threading.Thread(target=stop, name="last spans", daemon=True)
    thread.start()
    thread.join(LAST_SPANS_SECONDS)


def is_tracing() -> bool:
    return _Tracing.tracer is not None


def trace_id() -> str:
    """Return the current trace as 32 hexadecimal digits, or an empty string outside of a trace."""
    if _Tracing.tracer is None:
        return ""
    current = get_current_span().get_span_context()
    return format_trace_id(current.trace_id) if current.is_valid else ""


def current_traceparent() -> str | None:
    """Return the `traceparent` to pass on; None outside of a trace."""
    if _Tracing.tracer is None:
        return None
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(TRACEPARENT)


def span(name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, str | int] | None = None) -> MaybeSpan:
    """Trace a part of the current work."""
    if _Tracing.tracer is None or not get_current_span().get_span_context().is_valid:
        return NO_SPAN
    return _traced(_Tracing.tracer, name, kind, attributes=attributes, context=None)


def client_span(callee: str, operation: str) -> MaybeSpan:
    """Trace a call to another service."""
    if _Tracing.tracer is None:
        return NO_SPAN
    return span(f"{operation} {callee}", SpanKind.CLIENT, {"server.address": callee})


def continued_span(
    name: str,
    kind: SpanKind,
    traceparent: str | None,
    attributes: Mapping[str, str | int] | None = None,
) -> MaybeSpan:
    """Trace work that another process began, as part of its trace. Without a `traceparent` a new trace begins."""
    if _Tracing.tracer is None:
        return NO_SPAN
    return _traced(_Tracing.tracer, name, kind, attributes=attributes, context=_context_of(traceparent))


def continuing(traceparent: str | None) -> AbstractContextManager[None]:
    """Make spans within part of that trace, without a span for the block itself."""
    if _Tracing.tracer is None or traceparent is None:
        return nullcontext()
    return _attached(_context_of(traceparent))


def fail(current: Span | None, reason: str) -> None:
    """Mark a span as failed."""
    if current is not None:
        current.set_status(StatusCode.ERROR)
        current.set_attribute("error.type", reason)


def _context_of(traceparent: str | None) -> Context:
    """Return a context with that trace only: the current task's other work is not its parent."""
    return _W3C.extract({TRACEPARENT: traceparent} if traceparent else {}, context=Context())


@contextmanager
def _traced(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    *,
    attributes: Mapping[str, str | int] | None,
    context: Context | None,
) -> Iterator[Span]:
    with tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            fail(current, str(getattr(error, "code", None) or type(error).__name__))
            raise


@contextmanager
def _attached(context: Context) -> Iterator[None]:
    token = attach(context)
    try:
        yield
    finally:
        detach(token)
