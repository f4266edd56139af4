"""A cancelled event has no open order, transfer or listing once its saga is completed."""

from collections import Counter
from typing import Final

from invariants.snapshot import Snapshot

__all__ = ["violations"]

OPEN_ORDERS: Final = frozenset({"PENDING", "CONFIRMED"})
OPEN_LISTINGS: Final = frozenset({"OPENING", "ACTIVE", "PENDING_TRANSFER", "WITHDRAWING"})


def violations(snapshot: Snapshot) -> list[str]:
    completed = {
        saga["event_id"] for saga in snapshot.sagas if saga["kind"] == "cancel event" and saga["state"] == "COMPLETED"
    }
    status = {event["event_id"]: event["status"] for event in snapshot.events}
    still_open = Counter(
        [
            *(order["event_id"] for order in snapshot.orders if order["status"] in OPEN_ORDERS),
            *(transfer["event_id"] for transfer in snapshot.transfers if transfer["status"] == "PENDING_OTP"),
            *(listing["event_id"] for listing in snapshot.listings if listing["status"] in OPEN_LISTINGS),
        ]
    )
    return [
        *(
            f"event {event} is {status.get(event)} after its cancellation"
            for event in completed
            if status.get(event) != "CANCELLED"
        ),
        *(f"cancelled event {event} has {still_open[event]} open items" for event in completed if still_open[event]),
    ]
