"""Seats: their number is the hall's, their counts are right, their orders fit, and each ticket is admitted once.

A seat belongs to one event at a time, and its label names no other seat of the event. An admission that was undone does not
count.
"""

from typing import Final

from invariants.snapshot import Row, Snapshot, grouped

__all__ = ["violations"]

OWNED: Final = frozenset({"SOLD", "LISTED", "CHECKED_IN"})


def violations(snapshot: Snapshot) -> list[str]:
    return [
        *(
            f"the seat counts of {row['category']} at event {row['event_id']} differ from its seats"
            for row in snapshot.miscounted
        ),
        *(
            f"row {row['row_number']} of event {row['event_id']} has two seats {row['seat_number']}"
            for row in snapshot.repeated_labels
        ),
        *(
            f"events {row['event_id']} and {row['other_event_id']} have {row['hall_id']} at the same time"
            for row in snapshot.overlapping_events
        ),
        *_capacity(snapshot),
        *_orders(snapshot),
        *_admissions(snapshot),
    ]


def _capacity(snapshot: Snapshot) -> list[str]:
    seats = {row["event_id"]: row["seats"] for row in snapshot.capacities}
    return [
        f"event {event['event_id']} should have {event['total_seats']} seats and has {seats.get(event['event_id'], 0)}"
        for event in snapshot.events
        if event["status"] != "DRAFT" and seats.get(event["event_id"], 0) != event["total_seats"]
    ]


def _orders(snapshot: Snapshot) -> list[str]:
    """Every sold seat has a confirmed order, every held one a pending order or a hold that expires."""
    status = {order["order_id"]: order["status"] for order in snapshot.orders}
    return [
        f"seat {seat['seat_id']} is {seat['status']}, its order {seat['hold_id']} is {status.get(seat['hold_id'])}"
        for seat in snapshot.seats
        if not _fits(seat, status.get(seat["hold_id"]))
    ]


def _fits(seat: Row, order_status: str | None) -> bool:
    if seat["status"] in OWNED:
        return order_status == "CONFIRMED"
    if seat["status"] == "HELD":
        # A purchase that crashed before its order was stored leaves a hold without an order, until the hold expires.
        return order_status == "PENDING" or (order_status is None and seat["is_live"])
    return True


def _admissions(snapshot: Snapshot) -> list[str]:
    """Since its owner got it, each admission of a ticket but the last was undone; the last was not if it is checked in."""
    admissions = grouped(snapshot.admissions, "seat_id")
    broken = []
    for seat in snapshot.seats:
        if seat["status"] in OWNED:
            logged = [a for a in admissions.get(seat["seat_id"], ()) if a["logged_at"] >= seat["purchased_at"]]
            results = [entry["result"] for entry in sorted(logged, key=lambda entry: entry["logged_at"])]
            if results != _in_turns(len(results)) or (len(results) % 2 == 1) != (seat["status"] == "CHECKED_IN"):
                broken.append(f"seat {seat['seat_id']} is {seat['status']}, its admissions are {results}")
    return broken


def _in_turns(entries: int) -> list[str]:
    return ["UNDONE" if number % 2 else "SUCCESS" for number in range(entries)]
