"""Commissions: each has its saga, its escrow until it is published or refunded, and its article once it is complete."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from invariants.resales import is_status_of
from invariants.snapshot import Row, Rows, Snapshot, grouped

__all__ = ["violations"]

PAID: Final = frozenset({"PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "PUBLISHING", "FAILED"})
"""Statuses of an order whose credits are in escrow."""
ENDED: Final[set[str | None]] = {"REFUNDED", "CANCELLED", None}
ORDER_OF_SAGA: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"COMPLETED"},
    "UNWOUND": ENDED,
    "WAITING": {"AWAITING_PAYMENT", *PAID - {"PUBLISHING"}},
}
KINDS: Final = ("commission", "commission by card")
ACCOUNT: Final = "commissions"


def violations(snapshot: Snapshot) -> list[str]:
    return [*_sagas(snapshot), *_escrows(snapshot), *_collections(snapshot), *_articles(snapshot)]


def _sagas(snapshot: Snapshot) -> Iterator[str]:
    status = {order["order_id"]: order["status"] for order in snapshot.commissions}
    sagas = {saga_id: state for kind in KINDS for saga_id, state in snapshot.sagas_of(kind).items()}
    for saga_id, state in sagas.items():
        if not is_status_of(ORDER_OF_SAGA, state, status.get(saga_id)):
            yield f"commission saga {saga_id} is {state}, its order is {status.get(saga_id)}"
    for order_id, its_status in status.items():
        if order_id not in sagas and its_status not in ENDED:
            yield f"commission {order_id} is {its_status}, its saga is None"


def _escrows(snapshot: Snapshot) -> Iterator[str]:
    """A paid order has one held escrow of its price, a complete one has one that was collected; no other order has any."""
    escrows = grouped(snapshot.commission_escrows, "reference")
    orders = {str(order["order_id"]): order for order in snapshot.commissions}
    for reference in escrows.keys() - orders.keys():
        yield from (
            f"escrow {escrow['escrow_id']} of commission {reference} is {escrow['status']} without an order"
            for escrow in escrows[reference]
            if escrow["status"] != "VOIDED"
        )
    for order_id, order in orders.items():
        own = escrows.get(order_id, [])
        standing = [
            (escrow["status"], escrow["user_id"], escrow["amount"]) for escrow in own if escrow["status"] != "VOIDED"
        ]
        if standing != _expected_escrows(order):
            yield f"commission {order_id} of {order['price']} is {order['status']}, its escrows are {_states(own)}"
        elif order["status"] == "REFUNDED" and order["price"] not in {escrow["amount"] for escrow in own}:
            yield f"commission {order_id} of {order['price']} is REFUNDED, and no escrow was returned"


def _expected_escrows(order: Row) -> list[tuple[Any, ...]]:
    if order["status"] in PAID:
        return [("HELD", order["customer_user_id"], order["price"])]
    if order["status"] == "COMPLETED":
        return [("RELEASED", order["customer_user_id"], order["price"])]
    return []


def _states(escrows: Rows) -> list[str]:
    return [f"{escrow['amount']} {escrow['status']}" for escrow in escrows]


def _collections(snapshot: Snapshot) -> Iterator[str]:
    """Each complete order was collected once for the platform's account; nothing else was."""
    others = (each for each in snapshot.collections if each["purpose"] != "digital_order")
    collections = grouped(others, "reference")
    complete = {str(order["order_id"]): order for order in snapshot.commissions if order["status"] == "COMPLETED"}
    for reference in collections.keys() - complete.keys():
        amounts = [str(each["amount"]) for each in collections[reference]]
        yield f"the platform collected {amounts} for {reference}, which is not complete"
    for order_id, order in complete.items():
        own = [(each["account"], each["amount"]) for each in collections.get(order_id, [])]
        if own != [(ACCOUNT, order["price"])]:
            amounts = [f"{amount} for {account}" for account, amount in own]
            yield f"commission {order_id} of {order['price']} was collected: {amounts}"


def _articles(snapshot: Snapshot) -> Iterator[str]:
    """Each complete order has its article; no article of an order lacks one. Articles of the seed data have no order."""
    of_order = {article["order_id"]: article for article in snapshot.articles if article["order_id"]}
    by_id = {article["article_id"]: article for article in snapshot.articles}
    complete = {order["order_id"]: order for order in snapshot.commissions if order["status"] == "COMPLETED"}
    for order_id, order in complete.items():
        article = by_id.get(order["article_id"]) if order["article_id"] else of_order.get(order_id)
        slug = None if article is None else article["slug"]
        if slug is None or slug != order["slug"]:
            yield f"commission {order_id} is published as {order['slug']}, its article is {slug}"
    for order_id, article in of_order.items():
        if order_id not in complete:
            yield f"article {article['slug']} of commission {order_id} is published, and the order is not complete"
