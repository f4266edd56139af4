"""Digital goods: each order has its saga, its escrow until it is delivered or refunded, and the codes of what has come."""

from collections.abc import Iterator
from typing import Final

from invariants.escrowed_orders import ENDED, EscrowedOrders, collection_violations, order_violations
from invariants.snapshot import Snapshot

__all__ = ["violations"]

DIGITAL_ORDERS: Final = EscrowedOrders(
    noun="digital order",
    price="total",
    buyer="buyer_user_id",
    unpaid="CREATED",
    paid=frozenset({"PAID", "WAITING", "READY", "FAILED"}),
    delivered="FULFILLED",
    kinds=("digital order", "digital order by crypto"),
    account="digital_goods",
)


def violations(snapshot: Snapshot) -> list[str]:
    orders = snapshot.digital_orders
    collections = [each for each in snapshot.collections if each["purpose"] == "digital_order"]
    return [
        *order_violations(snapshot, DIGITAL_ORDERS, orders, snapshot.goods_escrows),
        # Only what was delivered is to be paid.
        *collection_violations(DIGITAL_ORDERS, orders, collections, amount="delivered"),
        *_items(snapshot),
        *_open_payments(snapshot),
    ]


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
