"""Seats: their number is the hall's, their counts are right, their orders fit, and each ticket is admitted once.

A seat belongs to one event at a time, and its label names no other seat of the event. An admission that was undone does not
count.
"""

from datetime import datetime
from typing import Final

from invariants.snapshot import Row, Rows, Snapshot, grouped

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
    return [
        f"seat {seat['seat_id']} is {seat['status']}, its admissions are {results}"
        for seat in snapshot.seats
        if seat["status"] in OWNED
        for results in [_results_since(seat["purchased_at"], admissions.get(seat["seat_id"], ()))]
        if results != _alternating(len(results)) or (len(results) % 2 == 1) != (seat["status"] == "CHECKED_IN")
    ]


def _results_since(purchased_at: datetime, admissions: Rows) -> list[str]:
    logged = sorted(admissions, key=lambda admission: admission["logged_at"])
    return [admission["result"] for admission in logged if admission["logged_at"] >= purchased_at]


def _alternating(number: int) -> list[str]:
    return ["UNDONE" if index % 2 else "SUCCESS" for index in range(number)]
