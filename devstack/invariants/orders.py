"""Orders: each has its seats, its charge and its saga, or none of them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from devstack.invariants.books import Books, Row, Rows, grouped
from devstack.invariants.handovers import new_owners

__all__ = ["violations"]

ORDER_OF_SAGA: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"CONFIRMED", "REFUNDED"},
    "UNWOUND": {"FAILED", "CANCELLED", None},
    "WAITING": {"PENDING"},
}


def violations(books: Books) -> list[str]:
    owners = new_owners(books)
    own_seats = grouped(books.order_seats, "order_id")
    had_seats = grouped(books.seats, "hold_id")
    charges = grouped(books.charges, "reference")
    found = [*_charges_without_order(books), *_sagas(books)]
    for order in books.orders:
        own, had = own_seats.get(order["order_id"], []), had_seats.get(order["order_id"], [])
        charged = charges.get(str(order["order_id"]), [])
        match order["status"]:
            case "CONFIRMED":
                found += _confirmed(order, own, had, charged, owners=owners)
            case "PENDING" if _holders(had) != {(row["seat_id"], order["user_id"]) for row in own}:
                found.append(f"pending order {order['order_id']} does not hold its seats")
            case "REFUNDED":
                found += _refunded(order, had, charged)
    return found


def _holders(seats: Rows) -> set[tuple[Any, Any]]:
    return {(seat["seat_id"], seat["held_by_user_id"]) for seat in seats if seat["status"] == "HELD"}


def _confirmed(order: Row, own: Rows, had: Rows, charged: Rows, *, owners: Mapping[tuple[Any, Any], Any]) -> list[str]:
    """Just its seats, each with its owner and at its price; charged once, and not given back."""
    name = f"confirmed order {order['order_id']}"
    found = []
    wanted = {(row["seat_id"], owners.get((order["order_id"], row["seat_id"])) or order["user_id"]) for row in own}
    if not own or {(seat["seat_id"], seat["owner_user_id"]) for seat in had} != wanted or len(had) != len(own):
        found.append(f"{name} does not have just its seats, each with its owner")
    prices = {row["seat_id"]: row["price"] for row in own if owners.get((order["order_id"], row["seat_id"])) is None}
    found += [
        f"{name} has seat {seat['seat_id']} for {seat['price_paid']}, not for its price"
        for seat in had
        if prices.get(seat["seat_id"], seat["price_paid"]) != seat["price_paid"]
    ]
    if sum((row["price"] for row in own), Decimal(0)) != order["total"]:
        found.append(f"{name} has a total that is not its seats' prices")
    paid = [(charge["amount"], charge["wallet"]) for charge in charged if charge["taken_back"] is None]
    if paid != [(order["total"], str(order["user_id"]))]:
        found.append(f"{name} of {order['total']} was charged {[str(amount) for amount, _ in paid]}")
    return found


def _refunded(order: Row, had: Rows, charged: Rows) -> list[str]:
    """No seat is its any more, and its one charge was taken back by exactly its total."""
    name = f"refunded order {order['order_id']}"
    found = [f"{name} still has seat {seat['seat_id']}" for seat in had]
    if [(charge["amount"], charge["taken_back"]) for charge in charged] != [(order["total"], order["total"])]:
        given_back = [f"{charge['taken_back']} of {charge['amount']}" for charge in charged]
        found.append(f"{name} of {order['total']} was given back {given_back}")
    return found


def _charges_without_order(books: Books) -> list[str]:
    """No charge lacks an order or a refund."""
    confirmed = {str(order["order_id"]) for order in books.orders if order["status"] == "CONFIRMED"}
    return [
        f"charge {charge['transaction_id']} has neither a confirmed order ({charge['reference']}) nor a refund"
        for charge in books.charges
        if charge["taken_back"] is None and charge["reference"] not in confirmed
    ]


def _sagas(books: Books) -> list[str]:
    status = {order["order_id"]: order["status"] for order in books.orders}
    sagas = books.sagas_of("purchase")
    return [
        *(
            f"purchase {saga_id} is {state}, its order is {status.get(saga_id)}"
            for saga_id, state in sagas.items()
            if status.get(saga_id) not in ORDER_OF_SAGA.get(state, {status.get(saga_id)})
        ),
        *(f"order {order_id} has no saga" for order_id in status if order_id not in sagas),
    ]
