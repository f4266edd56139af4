"""Orders: each has its seats, its charge and its saga, or none of them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from invariants.resales import is_status_of, new_owners
from invariants.snapshot import Row, Rows, Snapshot, grouped

__all__ = ["violations"]

ORDER_OF_SAGA: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"CONFIRMED", "REFUNDED"},
    "UNWOUND": {"FAILED", "CANCELLED", None},
    "WAITING": {"PENDING"},
}

ENDED_WITHOUT_TICKETS: Final = frozenset({"FAILED", "CANCELLED"})


def violations(snapshot: Snapshot) -> list[str]:
    owners = new_owners(snapshot)
    own_seats = grouped(snapshot.order_seats, "order_id")
    current_seats = grouped(snapshot.seats, "hold_id")
    charges = grouped(snapshot.charges, "reference")
    broken = [*_charges_without_order(snapshot), *_sagas(snapshot)]
    for order in snapshot.orders:
        own, current = own_seats.get(order["order_id"], []), current_seats.get(order["order_id"], [])
        charged = charges.get(str(order["order_id"]), [])
        match order["status"]:
            case "CONFIRMED":
                broken += _confirmed(order, own, current, charged, owners=owners)
            case "PENDING" if _holders(current) != {(row["seat_id"], order["user_id"]) for row in own}:
                broken.append(f"pending order {order['order_id']} does not hold its seats")
            case "REFUNDED":
                broken += _refunded(order, current, charged)
    return broken


def _holders(seats: Rows) -> set[tuple[Any, Any]]:
    return {(seat["seat_id"], seat["held_by_user_id"]) for seat in seats if seat["status"] == "HELD"}


def _confirmed(
    order: Row, own: Rows, current: Rows, charged: Rows, *, owners: Mapping[tuple[Any, Any], Any]
) -> list[str]:
    """A confirmed order has its seats that are not refunded, each with its owner and price, and one charge.

    As much of the charge is refunded as the other seats cost.
    """
    name = f"confirmed order {order['order_id']}"
    broken = []
    left = [row for row in own if not row["is_refunded"]]
    wanted = {(row["seat_id"], owners.get((order["order_id"], row["seat_id"])) or order["user_id"]) for row in left}
    if (
        not left
        or {(seat["seat_id"], seat["owner_user_id"]) for seat in current} != wanted
        or len(current) != len(left)
    ):
        broken.append(f"{name} does not have exactly its seats, each with its owner")
    prices = {row["seat_id"]: row["price"] for row in own if owners.get((order["order_id"], row["seat_id"])) is None}
    broken += [
        f"{name} has seat {seat['seat_id']} at {seat['price_paid']} instead of its price"
        for seat in current
        if prices.get(seat["seat_id"], seat["price_paid"]) != seat["price_paid"]
    ]
    if sum((row["price"] for row in own), Decimal(0)) != order["total"]:
        broken.append(f"{name} has a total that is not the sum of its seats' prices")
    refunded = sum((row["price"] for row in own if row["is_refunded"]), Decimal(0))
    paid = [(charge["amount"], charge["wallet"]) for charge in charged if (charge["taken_back"] or 0) == refunded]
    if paid != [(order["total"], str(order["user_id"]))]:
        broken.append(f"{name} of {order['total']} was charged {[str(amount) for amount, _ in paid]}")
    return broken


def _refunded(order: Row, current: Rows, charged: Rows) -> list[str]:
    """A refunded order has no seat, and its one charge was reversed by exactly its total."""
    name = f"refunded order {order['order_id']}"
    broken = [f"{name} still has seat {seat['seat_id']}" for seat in current]
    if [(charge["amount"], charge["taken_back"]) for charge in charged] != [(order["total"], order["total"])]:
        refunds = [f"{charge['taken_back']} of {charge['amount']}" for charge in charged]
        broken.append(f"{name} of {order['total']} was refunded {refunds}")
    return broken


def _charges_without_order(snapshot: Snapshot) -> list[str]:
    """Every charge has a confirmed order or a refund."""
    confirmed = {str(order["order_id"]) for order in snapshot.orders if order["status"] == "CONFIRMED"}
    return [
        f"charge {charge['transaction_id']} has neither a confirmed order ({charge['reference']}) nor a refund"
        for charge in snapshot.charges
        if charge["taken_back"] != charge["amount"] and charge["reference"] not in confirmed
    ]


def _sagas(snapshot: Snapshot) -> list[str]:
    status = {order["order_id"]: order["status"] for order in snapshot.orders}
    sagas = snapshot.sagas_of("purchase")
    return [
        *(
            f"purchase {saga_id} is {state}, its order is {status.get(saga_id)}"
            for saga_id, state in sagas.items()
            if not is_status_of(ORDER_OF_SAGA, state, status.get(saga_id))
        ),
        # An unwound purchase is deleted after a while.
        *(
            f"order {order_id} has no saga"
            for order_id, its_status in status.items()
            if order_id not in sagas and its_status not in ENDED_WITHOUT_TICKETS
        ),
    ]
