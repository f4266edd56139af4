"""Digital goods: each order has its saga, its escrow until it is delivered or refunded, and the codes of what has come."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from invariants.resales import is_status_of
from invariants.snapshot import Row, Snapshot, grouped

__all__ = ["violations"]

PAID: Final = frozenset({"PAID", "WAITING", "READY", "FAILED"})
"""Statuses of an order whose credits are in escrow."""
ENDED: Final[set[str | None]] = {"REFUNDED", "CANCELLED", None}
ORDER_OF_SAGA: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"FULFILLED"},
    "UNWOUND": ENDED,
    "WAITING": {"CREATED", *PAID},
}
KINDS: Final = ("digital order", "digital order by crypto")
ACCOUNT: Final = "digital_goods"


def violations(snapshot: Snapshot) -> list[str]:
    return [
        *_sagas(snapshot),
        *_escrows(snapshot),
        *_collections(snapshot),
        *_items(snapshot),
        *_open_payments(snapshot),
    ]


def _sagas(snapshot: Snapshot) -> Iterator[str]:
    status = {order["order_id"]: order["status"] for order in snapshot.digital_orders}
    sagas = {saga_id: state for kind in KINDS for saga_id, state in snapshot.sagas_of(kind).items()}
    for saga_id, state in sagas.items():
        if not is_status_of(ORDER_OF_SAGA, state, status.get(saga_id)):
            yield f"digital order saga {saga_id} is {state}, its order is {status.get(saga_id)}"
    for order_id, its_status in status.items():
        if order_id not in sagas and its_status not in ENDED:
            yield f"digital order {order_id} is {its_status}, its saga is None"


def _escrows(snapshot: Snapshot) -> Iterator[str]:
    """A paid order has one held escrow of its total, a fulfilled one has one that was collected; no other has any."""
    escrows = grouped(snapshot.goods_escrows, "reference")
    orders = {str(order["order_id"]): order for order in snapshot.digital_orders}
    for reference in escrows.keys() - orders.keys():
        yield from (
            f"escrow {escrow['escrow_id']} of digital order {reference} is {escrow['status']} without an order"
            for escrow in escrows[reference]
            if escrow["status"] != "VOIDED"
        )
    for order_id, order in orders.items():
        own = escrows.get(order_id, [])
        standing = [
            (escrow["status"], escrow["user_id"], escrow["amount"]) for escrow in own if escrow["status"] != "VOIDED"
        ]
        states = [f"{escrow['amount']} {escrow['status']}" for escrow in own]
        if standing != _expected_escrows(order):
            yield f"digital order {order_id} of {order['total']} is {order['status']}, its escrows are {states}"
        elif order["status"] == "REFUNDED" and order["total"] not in {escrow["amount"] for escrow in own}:
            yield f"digital order {order_id} of {order['total']} is REFUNDED, and no escrow was returned"


def _expected_escrows(order: Row) -> list[tuple[Any, ...]]:
    status = "HELD" if order["status"] in PAID else "RELEASED" if order["status"] == "FULFILLED" else None
    return [(status, order["buyer_user_id"], order["total"])] if status else []


def _collections(snapshot: Snapshot) -> Iterator[str]:
    """Of each fulfilled order the price of what was delivered was collected once; nothing else was."""
    of_goods = (each for each in snapshot.collections if each["purpose"] == "digital_order")
    collections = grouped(of_goods, "reference")
    fulfilled = {str(order["order_id"]): order for order in snapshot.digital_orders if order["status"] == "FULFILLED"}
    for reference in collections.keys() - fulfilled.keys():
        amounts = [str(each["amount"]) for each in collections[reference]]
        yield f"the platform collected {amounts} for digital order {reference}, which is not fulfilled"
    for order_id, order in fulfilled.items():
        own = [(each["account"], each["amount"]) for each in collections.get(order_id, [])]
        if own != [(ACCOUNT, order["delivered"])]:
            amounts = [f"{amount} for {account}" for account, amount in own]
            yield f"digital order {order_id} delivered goods of {order['delivered']}, collected: {amounts}"


def _items(snapshot: Snapshot) -> Iterator[str]:
    for item in snapshot.unfit_codes:
        codes = "codes" if item["has_codes"] else "no codes"
        yield f"item {item['item_id']} of digital order {item['order_id']} is {item['status']} and has {codes}"
    for item in snapshot.unfit_items:
        yield (
            f"item {item['item_id']} of digital order {item['order_id']} is {item['status']}, "
            f"the order is {item['order_status']}"
        )


def _open_payments(snapshot: Snapshot) -> Iterator[str]:
    """The payment of an order that has ended is closed, so that what arrives of it becomes credits."""
    ended = {str(order["order_id"]) for order in snapshot.digital_orders if order["status"] in ENDED}
    for payment in snapshot.payments:
        is_of_goods = payment["purpose"] == "digital_order"
        if is_of_goods and payment["reference"] in ended and payment["closed_at"] is None:
            yield f"digital order {payment['reference']} has ended, its payment {payment['payment_id']} is not closed"
