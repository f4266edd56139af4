"""Seats: as many as the hall has, counted right, each with an order that fits; admitted once."""

from typing import Final

from devstack.invariants.books import Books, Row, grouped

__all__ = ["violations"]

OWNED: Final = frozenset({"SOLD", "LISTED", "CHECKED_IN"})


def violations(books: Books) -> list[str]:
    return [
        *(
            f"the counts of {row['category']} at event {row['event_id']} are not those of its seats"
            for row in books.miscounted
        ),
        *_capacity(books),
        *_orders(books),
        *_admissions(books),
    ]


def _capacity(books: Books) -> list[str]:
    seats = {row["event_id"]: row["seats"] for row in books.capacities}
    return [
        f"event {event['event_id']} is for {event['total_seats']} seats and has {seats.get(event['event_id'], 0)}"
        for event in books.events
        if event["status"] != "DRAFT" and seats.get(event["event_id"], 0) != event["total_seats"]
    ]


def _orders(books: Books) -> list[str]:
    """Every sold seat has a confirmed order, every held one an open order or a hold that ends by itself."""
    status = {order["order_id"]: order["status"] for order in books.orders}
    return [
        f"seat {seat['seat_id']} is {seat['status']}, its order {seat['hold_id']} is {status.get(seat['hold_id'])}"
        for seat in books.seats
        if not _fits(seat, status.get(seat["hold_id"]))
    ]


def _fits(seat: Row, order_status: str | None) -> bool:
    if seat["status"] in OWNED:
        return order_status == "CONFIRMED"
    if seat["status"] == "HELD":
        # A purchase that died before it was stored leaves a hold without an order, until its time is over.
        return order_status == "PENDING" or (order_status is None and seat["is_live"])
    return True


def _admissions(books: Books) -> list[str]:
    """A used ticket has let one person in since its owner got it; one that is not used, nobody."""
    admissions = grouped(books.admissions, "seat_id")
    found = []
    for seat in books.seats:
        if seat["status"] in OWNED:
            admitted = [a for a in admissions.get(seat["seat_id"], ()) if a["logged_at"] >= seat["purchased_at"]]
            if len(admitted) != (1 if seat["status"] == "CHECKED_IN" else 0):
                found.append(f"seat {seat['seat_id']} is {seat['status']} and has admitted {len(admitted)}")
    return found
