"""Metrics of the texts that are written for commissions."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

COMMISSION_TEXTS = Counter("commission_texts_total", "Texts that were stored, and orders that failed.", ["result"])
COMMISSION_READY_SECONDS = Histogram(
    "commission_ready_seconds",
    "From an order's payment to its first text.",
    buckets=(5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 14_400, 86_400),
)
COMMISSION_REGENERATIONS = Counter("commission_regenerations_total", "Texts that did not pass the quality checks.")
COMMISSIONS_OLDEST_WAITING = Gauge(
    "commissions_oldest_waiting_seconds", "How long the oldest order has waited for its text."
)
TEXT_FAILURES = Counter("text_failures_total", "Attempts to write a text that failed.", ["reason"])

WRITTEN: Final = "written"
FAILED: Final = "failed"

# Initialised, because a counter that first appears with its first event shows no increase.
for result in (WRITTEN, FAILED):
    COMMISSION_TEXTS.labels(result)
for reason in ("limited", "unusable", "unavailable", "refused", "other"):
    TEXT_FAILURES.labels(reason)
