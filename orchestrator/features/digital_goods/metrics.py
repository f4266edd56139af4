"""Metrics of the supplier and of deliveries."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SUPPLIER_CALL_SECONDS = Histogram(
    "supplier_call_seconds",
    "Calls of the supplier, by result: answered, refused or unavailable.",
    ["call", "result"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DIGITAL_ITEMS = Counter("digital_items_total", "Items whose codes came, and items that failed.", ["result"])
DIGITAL_ORDERS_UNANSWERED = Gauge(
    "digital_orders_unanswered", "Orders about which the supplier gave no answer when it was last asked."
)
CODES_STORED = Counter("codes_stored_total", "Attempts to store the codes of an order.", ["result"])

DELIVERED: Final = "delivered"
FAILED: Final = "failed"
STORED: Final = "stored"
UNAVAILABLE: Final = "unavailable"

# Initialised, because a counter that first appears with its first event shows no increase.
for call in ("reserve", "give", "find"):
    for result in ("answered", "refused", UNAVAILABLE):
        SUPPLIER_CALL_SECONDS.labels(call, result)
for result in (DELIVERED, FAILED):
    DIGITAL_ITEMS.labels(result)
for result in (STORED, UNAVAILABLE):
    CODES_STORED.labels(result)
