"""Prometheus metrics of every process. Services define their own."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

__all__ = [
    "CONSUMED_MESSAGES",
    "DATABASE_STATEMENTS",
    "OUTBOX_LAG_SECONDS",
    "PERIODIC_TASK_FAILURES",
    "PUBLISHED_MESSAGES",
    "REMOTE_CALLS",
    "REQUEST_SECONDS",
    "UNREADABLE_ROWS",
    "keep_old_name",
]

# From a cached read (1 ms) to the whole request budget (10 s).
LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUEST_SECONDS = Histogram(
    "request_duration_seconds", "Time to respond to a request.", ["method", "route", "status"], buckets=LATENCY_BUCKETS
)
REMOTE_CALLS = Counter("remote_calls_total", "Calls to other services.", ["callee", "operation", "outcome"])
DATABASE_STATEMENTS = Counter("database_statements_total", "SQL statements sent, one round trip each.")
PUBLISHED_MESSAGES = Counter("messages_published_total", "Messages confirmed by the broker.", ["exchange"])
CONSUMED_MESSAGES = Counter("messages_consumed_total", "Messages taken from a queue.", ["queue", "outcome"])
UNREADABLE_ROWS = Counter("unreadable_rows_total", "Stored rows that a list or a loop could not read.", ["of"])
PERIODIC_TASK_FAILURES = Counter(
    "periodic_task_failures_total", "Unexpected errors of background tasks; each continues.", ["task"]
)
OUTBOX_LAG_SECONDS = Gauge("outbox_lag_seconds", "Age of the oldest message not yet confirmed by the broker.")


class _OldName(Collector):
    """Exports a metric a second time, under its former name."""

    def __init__(self, metric: MetricWrapperBase, old_name: str) -> None:
        self._metric = metric
        self._old_name = old_name

    def collect(self) -> Iterator[Metric]:
        for metric in self._metric.collect():
            old = Metric(self._old_name, f"Deprecated: use {metric.name}. {metric.documentation}", metric.type)
            old.samples = [self._renamed(sample, metric.name) for sample in metric.samples]
            yield old

    def _renamed(self, sample: Sample, name: str) -> Sample:
        return sample._replace(name=self._old_name + sample.name.removeprefix(name))


def keep_old_name(metric: MetricWrapperBase, old_name: str) -> None:
    """Export a renamed metric under its old name too, for one more release.

    Args:
        old_name: without the suffix that the metric's type adds, such as ``_total``.
    """
    REGISTRY.register(_OldName(metric, old_name))
