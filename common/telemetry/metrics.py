"""Prometheus metrics that every process has. Services define their own beside what they measure."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "CONSUMED_MESSAGES",
    "DATABASE_STATEMENTS",
    "OUTBOX_LAG_SECONDS",
    "PUBLISHED_MESSAGES",
    "REMOTE_CALLS",
    "REQUEST_SECONDS",
]

# From a cached read (1 ms) to the whole request budget (10 s).
LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUEST_SECONDS = Histogram(
    "request_duration_seconds", "Time to answer a request.", ["method", "route", "status"], buckets=LATENCY_BUCKETS
)
REMOTE_CALLS = Counter("remote_calls_total", "Calls to other services.", ["callee", "operation", "outcome"])
DATABASE_STATEMENTS = Counter("database_statements_total", "SQL statements sent, one round trip each.")
PUBLISHED_MESSAGES = Counter("messages_published_total", "Messages confirmed by the broker.", ["exchange"])
CONSUMED_MESSAGES = Counter("messages_consumed_total", "Messages taken from a queue.", ["queue", "outcome"])
OUTBOX_LAG_SECONDS = Gauge("outbox_lag_seconds", "Age of the oldest message not yet confirmed by the broker.")
