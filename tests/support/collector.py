"""A trace collector: an OTLP/HTTP receiver on loopback that stores what it receives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class SentSpan:
    """One received span; ids are hexadecimal, `parent_id` is empty for a root span.

    `error` is its `error.type`, empty on success.
    """

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    error: str


class Collector:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.received = b""
        self._spans: list[SentSpan] = []
        self._lock = threading.Lock()

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that exports its spans here shortly after they end."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.received += body
            for resource in request.resource_spans:
                [service] = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
                for scope in resource.scope_spans:
                    self._spans += [
                        SentSpan(
                            service, s.name, s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex(), _error_of(s)
                        )
                        for s in scope.spans
                    ]

    def spans(self, name: str) -> list[SentSpan]:
        with self._lock:
            return [span for span in self._spans if span.name == name]

    def trace(self, trace_id: str) -> list[SentSpan]:
        with self._lock:
            return [span for span in self._spans if span.trace_id == trace_id]

    def line(self, last: SentSpan) -> list[str]:
        """Return the path from the trace's root to a span, as "service: name"."""
        by_id = {span.span_id: span for span in self.trace(last.trace_id)}
        way, current = [], last
        while True:
            way.append(f"{current.service}: {current.name}")
            if not current.parent_id:
                return way[::-1]
            assert current.parent_id in by_id, f"the parent of {current} is missing"
            current = by_id[current.parent_id]


def _error_of(span: Span) -> str:
    return "".join(a.value.string_value for a in span.attributes if a.key == "error.type")


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Log nothing: the output belongs to the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
