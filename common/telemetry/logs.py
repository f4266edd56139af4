"""Structured logs, as JSON or for a console, with the correlation id and the trace id on each record."""

import logging
import sys
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from common.telemetry.correlation import correlation_id
from common.telemetry.tracing import trace_id


def configure_logs(*, service: str, level: str, log_format: Literal["json", "console"]) -> None:
    """Send every record, the libraries' included, to standard output in one format."""
    structlog.configure(
        processors=[*_shared_processors(service), _renderer(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(service),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _decoded(_renderer(log_format))],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("aio_pika", "aiormq", "httpx", "sqlalchemy.pool"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_has_no_target)


def _has_no_target(record: logging.LogRecord) -> bool:
    """Drop uvicorn's lines about WebSockets: they contain the client's address and the query, whose token is a secret."""
    return "WebSocket %s" not in str(record.msg)


def get_logger(name: str) -> Any:
    """Return a structlog logger; ``logger.info("saga.step", step="charge")``."""
    return structlog.get_logger(component=name)


def _shared_processors(service: str) -> list[Processor]:
    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        if current := correlation_id():
            event.setdefault("correlation_id", current)
        if traced := trace_id():
            event.setdefault("trace_id", traced)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        add_service,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]


def _renderer(log_format: Literal["json", "console"]) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(serializer=_dumps)
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)

    def render(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        return str(console(logger, method, event)).encode()

    return render


def _dumps(event: Any, **_: object) -> bytes:
    return orjson.dumps(event, default=str)


def _decoded(renderer: Processor) -> Processor:
    """Return a renderer to text, which the standard library's handlers write; structlog's bytes logger writes bytes."""

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        rendered = renderer(logger, method, event)
        return rendered.decode() if isinstance(rendered, bytes) else str(rendered)

    return render
