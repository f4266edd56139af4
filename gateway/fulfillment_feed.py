"""Digital orders as they move (F5): a fan's own orders from their feed, or all orders from the feed of admins.

The feed sends JSON text. Each message has a `sequence`, from which a client that reconnects continues::

    {"type": "payment_confirmed", "order_id": …, "amount": …, "currency": …}
    {"type": "status_changed", "order_id": …, "status": …, "fulfillment_status": …, "items": […]}
    {"type": "error", "order_id": …, "error": …, "severity": "error", "retryable": …}

Admins get, too::

    {"type": "webhook_received", "webhook_id": …, "provider": …, "event_type": …}
    {"type": "job_completed", "job_id": …, "kind": …, "order_id": …, "duration_seconds": …}
    {"type": "job_failed", "job_id": …, "kind": …, "order_id": …, "duration_seconds": …, "error": …}

`gateway.user_feed` describes `subscribed`, `resync` and the end of a connection.
"""

from collections.abc import Iterator
from typing import Any, Final

from gateway.user_feed import Entry, Shape

__all__ = ["DIGITAL_ORDERS"]

ORDERS: Final = "fulfillment."
FOR_ADMINS: Final = frozenset({"webhook_received", "job_completed", "job_failed"})

Facts = dict[str, Any]


def _messages_of(entry: Entry) -> list[Entry]:
    """Return the messages that an entry of a feed becomes; none for an entry about something else."""
    return list(_messages(entry["type"], entry["data"]))


def _messages(kind: str, data: Facts) -> Iterator[Facts]:
    if kind in FOR_ADMINS:
        yield {"type": kind, **data}
    if not kind.startswith(ORDERS):
        return
    if kind == f"{ORDERS}paid":
        yield {"type": "payment_confirmed", **_facts(data, "order_id", "amount", "currency")}
    if kind == f"{ORDERS}failed":
        yield {"type": "error", **_facts(data, "order_id"), "error": data.get("reason") or "", "severity": "error",
               "retryable": _is_retryable(data)}  # fmt: skip
    yield {"type": "status_changed", **_facts(data, "order_id", "status", "fulfillment_status", "items")}


def _facts(data: Facts, *names: str) -> Facts:
    return {name: data.get(name) for name in names}


def _is_retryable(data: Facts) -> bool:
    """Return whether an admin can have a failed order tried again: not one of which the supplier refused every item."""
    return any(item["status"] != "failed" for item in data.get("items") or ())


DIGITAL_ORDERS: Final = Shape(_messages_of, most=2)
"""A payment or a failure is two messages, `status_changed` the second."""
