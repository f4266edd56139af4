"""Traces of one process: what starts a trace, what continues one, and what no span contains."""

import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Scope

from common.errors import NotFound
from common.http.middleware import RequestContext
from common.messaging.message import Message
from common.telemetry import tracing
from common.telemetry.tracing import (
    LAST_SPANS_SECONDS,
    SpanKind,
    client_span,
    continued_span,
    current_traceparent,
    span,
    start_tracing,
    stop_tracing,
    trace_id,
)
from tests.support.collector import Collector, collecting

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        for name, value in collector.env.items():
            monkeypatch.setenv(name, value)
        start_tracing(service="tests")
        yield collector
        stop_tracing()


def test_silent_collector_does_not_delay_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start_tracing(service="tests")
        with continued_span("work", SpanKind.SERVER, None):
            pass
        began = time.monotonic()
        stop_tracing()
    assert time.monotonic() - began < LAST_SPANS_SECONDS + 8  # the SDK waits for at least ten seconds


def app_trusting(*, everyone: bool) -> FastAPI:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/seats")
    async def show_seat() -> str:
        return current_traceparent() or "none"

    @app.get("/livez")
    async def live() -> str:
        return current_traceparent() or "none"

    def believes(_: Scope) -> bool:
        return everyone

    app.add_middleware(RequestContext, max_body_bytes=100, trusts_traceparent=believes)
    return app


async def ask(app: FastAPI, path: str) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests") as client:
        return str((await client.get(path, headers={"traceparent": TRACEPARENT})).json())


class TestTracingDisabled:
    def test_nothing_is_traced_or_logged(self) -> None:
        with continued_span("click", SpanKind.SERVER, TRACEPARENT) as begun, span("step") as inner:
            assert begun is inner is None
            assert current_traceparent() is None
            assert trace_id() == ""
            assert b"traceparent" not in Message(type="order.confirmed", source="tests", subject="1").to_bytes()

    async def test_incoming_trace_is_ignored(self) -> None:
        assert await ask(app_trusting(everyone=True), "/seats") == "none"


class TestRequest:
    async def test_continues_the_trace_of_a_trusted_caller(self, collector: Collector) -> None:
        assert (await ask(app_trusting(everyone=True), "/seats"))[3:35] == TRACE
        stop_tracing()
        [served] = collector.spans("GET /seats")
        assert (served.trace_id, served.parent_id) == (TRACE, PARENT)

    async def test_starts_a_new_trace_for_an_untrusted_caller(self, collector: Collector) -> None:
        assert (await ask(app_trusting(everyone=False), "/seats"))[3:35] != TRACE
        stop_tracing()
        [served] = collector.spans("GET /seats")
        assert served.parent_id == ""

    @pytest.mark.usefixtures("collector")
    async def test_probe_is_not_traced(self) -> None:
        assert await ask(app_trusting(everyone=True), "/livez") == "none"


class TestSpan:
    def test_is_a_child_of_the_current_span(self, collector: Collector) -> None:
        with continued_span("message", SpanKind.CONSUMER, TRACEPARENT), span("step"), client_span("users", "POST"):
            assert trace_id() == TRACE
        stop_tracing()
        [call] = collector.spans("POST users")
        [step] = collector.spans("step")
        assert (call.trace_id, call.parent_id) == (TRACE, step.span_id)

    def test_periodic_task_without_a_trace_has_no_span(self, collector: Collector) -> None:
        with span("sweep") as nothing, client_span("users", "GET"):
            assert nothing is None
        stop_tracing()
        assert collector.spans("sweep") == collector.spans("GET users") == []

    def test_unsampled_span_is_not_exported_but_its_context_is_propagated(self, collector: Collector) -> None:
        with continued_span("message", SpanKind.CONSUMER, UNSAMPLED):
            assert (current_traceparent() or "")[-3:] == "-00"
            assert trace_id() == TRACE
        stop_tracing()
        assert collector.spans("message") == []

    def test_failed_span_has_the_error_code_without_its_message(self, collector: Collector) -> None:
        with pytest.raises(NotFound), continued_span("message", SpanKind.CONSUMER, None):
            raise NotFound("fan-1@example.com is not here")
        stop_tracing()
        [failed] = collector.spans("message")
        assert failed.error == "NOT_FOUND"
        assert b"example.com" not in collector.received


@pytest.mark.usefixtures("collector")
def test_message_carries_the_trace_it_was_created_in() -> None:
    with continued_span("click", SpanKind.SERVER, TRACEPARENT):
        message = Message(type="order.confirmed", source="tests", subject="1")
    read = Message.from_bytes(message.to_bytes())
    assert read == message
    assert (read.traceparent or "")[3:35] == TRACE


def test_silent_collector_does_not_keep_a_process_from_exiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    caplog.set_level(logging.CRITICAL)
    start_tracing(service="tests")
    assert tracing.is_tracing()
    with continued_span("click", SpanKind.SERVER, None):
        pass
    stop_tracing()
    assert not tracing.is_tracing()
