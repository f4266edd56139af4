"""Commissions: each has its saga, its escrow until it is published or refunded, and its article once it is complete."""

from collections.abc import Iterator
from typing import Final

from invariants.escrowed_orders import EscrowedOrders, collection_violations, order_violations
from invariants.snapshot import Snapshot

__all__ = ["violations"]

COMMISSIONS: Final = EscrowedOrders(
    noun="commission",
    price="price",
    buyer="customer_user_id",
    unpaid="AWAITING_PAYMENT",
    paid=frozenset({"PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "PUBLISHING", "FAILED"}),
    passing=frozenset({"PUBLISHING"}),
    delivered="COMPLETED",
    kinds=("commission", "commission by card"),
    account="commissions",
)


def violations(snapshot: Snapshot) -> list[str]:
    orders = snapshot.commissions
    collections = [each for each in snapshot.collections if each["purpose"] != "digital_order"]
    return [
        *order_violations(snapshot, COMMISSIONS, orders, snapshot.commission_escrows),
        *collection_violations(COMMISSIONS, orders, collections, amount="price"),
        *_articles(snapshot),
    ]


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
