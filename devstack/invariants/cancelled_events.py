"""An event that was called off, and cleared, has nothing open."""

from collections import Counter
from typing import Final

from devstack.invariants.books import Books

__all__ = ["violations"]

OPEN_ORDERS: Final = frozenset({"PENDING", "CONFIRMED"})
OPEN_LISTINGS: Final = frozenset({"OPENING", "ACTIVE", "PENDING_TRANSFER", "WITHDRAWING"})


def violations(books: Books) -> list[str]:
    cleared = {
        saga["event_id"] for saga in books.sagas if saga["kind"] == "cancel event" and saga["state"] == "COMPLETED"
    }
    status = {event["event_id"]: event["status"] for event in books.events}
    left = Counter(
        [
            *(order["event_id"] for order in books.orders if order["status"] in OPEN_ORDERS),
            *(transfer["event_id"] for transfer in books.transfers if transfer["status"] == "PENDING_OTP"),
            *(listing["event_id"] for listing in books.listings if listing["status"] in OPEN_LISTINGS),
        ]
    )
    return [
        *(f"event {event} is cleared and {status.get(event)}" for event in cleared if status.get(event) != "CANCELLED"),
        *(f"event {event} is cancelled and cleared, {left[event]} things are open" for event in cleared if left[event]),
    ]
