"""A job belongs to the trace in which it was enqueued, on any worker and in every attempt."""

from collections.abc import Iterator

import pytest

from common.errors import Unavailable
from common.telemetry.tracing import SpanKind, continued_span, start_tracing, stop_tracing, trace_id
from orchestrator.jobs.record import JobStatus
from tests.integration.jobs.harness import POLICIES, JobHarness, RecordingHandler
from tests.support.collector import Collector, collecting

EMAIL = POLICIES["email"]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        for name, value in collector.env.items():
            monkeypatch.setenv(name, value)
        start_tracing(service="tests")
        yield collector
        stop_tracing()


async def test_every_attempt_belongs_to_the_trace_of_the_request(harness: JobHarness, collector: Collector) -> None:
    with continued_span("click", SpanKind.SERVER, None):
        clicked = trace_id()
        [job] = await harness.enqueue("email", "welcome")
    await harness.start_worker((EMAIL, RecordingHandler(failures=[Unavailable()])))
    await harness.reaches(job, JobStatus.COMPLETED)
    [fact] = await harness.messages_about("job.completed")
    await harness.stop_workers()
    stop_tracing()  # flushes the exporter
    attempts = collector.spans("job email")
    assert [collector.line(one) for one in attempts] == [["tests: click", "tests: job email"]] * 2
    assert {one.trace_id for one in attempts} == {clicked}
    assert fact["traceparent"].split("-")[1:3] == [clicked, attempts[-1].span_id]
