"""What holds for every kind of order whose credits a saga keeps in escrow until it is delivered or refunded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from invariants.resales import is_status_of
from invariants.snapshot import Row, Rows, Snapshot, grouped

ENDED: Final[set[str | None]] = {"REFUNDED", "CANCELLED", None}


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowedOrders:
    """One kind of order.

    Args:
        noun: as reports name it.
        price, buyer: the columns with its price and its buyer.
        unpaid: the status of an order that waits for a payment.
        paid: statuses of an order whose credits are in escrow.
        delivered: its last status, when the platform has its credits.
        passing: statuses of `paid` that no order has while its saga waits.
        kinds: of its sagas.
        account: the platform's account that is credited.
    """

    noun: str
    price: str
    buyer: str
    unpaid: str
    paid: frozenset[str]
    delivered: str
    kinds: tuple[str, ...]
    account: str
    passing: frozenset[str] = frozenset()

    @property
    def of_saga(self) -> Mapping[str, set[str | None]]:
        return {"COMPLETED": {self.delivered}, "UNWOUND": ENDED, "WAITING": {self.unpaid, *self.paid - self.passing}}

    def escrows_of(self, order: Row) -> list[tuple[Any, ...]]:
        """Return status, user and amount of the escrows that an order should have."""
        status = order["status"]
        expected = "HELD" if status in self.paid else "RELEASED" if status == self.delivered else None
        return [(expected, order[self.buyer], order[self.price])] if expected else []


def order_violations(snapshot: Snapshot, kind: EscrowedOrders, orders: Rows, escrows: Rows) -> Iterator[str]:
    yield from _sagas(snapshot, kind, orders)
    yield from _escrows(kind, orders, grouped(escrows, "reference"))


def collection_violations(kind: EscrowedOrders, orders: Rows, collections: Rows, *, amount: str) -> Iterator[str]:
    """Of each delivered order `amount`, a column, was collected once for the platform's account; nothing else was."""
    by_reference = grouped(collections, "reference")
    delivered = {str(order["order_id"]): order for order in orders if order["status"] == kind.delivered}
    for reference in by_reference.keys() - delivered.keys():
        amounts = [str(each["amount"]) for each in by_reference[reference]]
        yield f"the platform collected {amounts} for {kind.noun} {reference}, which is not {kind.delivered}"
    for order_id, order in delivered.items():
        own = [(each["account"], each["amount"]) for each in by_reference.get(order_id, [])]
        if own != [(kind.account, order[amount])]:
            amounts = [f"{collected} for {account}" for account, collected in own]
            yield f"{kind.noun} {order_id} is to pay {order[amount]}, collected: {amounts}"


def _sagas(snapshot: Snapshot, kind: EscrowedOrders, orders: Rows) -> Iterator[str]:
    status = {order["order_id"]: order["status"] for order in orders}
    sagas = {saga_id: state for each in kind.kinds for saga_id, state in snapshot.sagas_of(each).items()}
    for saga_id, state in sagas.items():
        if not is_status_of(kind.of_saga, state, status.get(saga_id)):
            yield f"{kind.noun} saga {saga_id} is {state}, its order is {status.get(saga_id)}"
    for order_id, its_status in status.items():
        if order_id not in sagas and its_status not in ENDED:
            yield f"{kind.noun} {order_id} is {its_status}, its saga is None"


def _escrows(kind: EscrowedOrders, orders: Rows, escrows: Mapping[str, list[Row]]) -> Iterator[str]:
    """A paid order has one held escrow of its price, a delivered one has one that was collected; no other has any."""
    by_id = {str(order["order_id"]): order for order in orders}
    for reference in escrows.keys() - by_id.keys():
        yield from (
            f"escrow {escrow['escrow_id']} of {kind.noun} {reference} is {escrow['status']} without an order"
            for escrow in escrows[reference]
            if escrow["status"] != "VOIDED"
        )
    for order_id, order in by_id.items():
        own, price = escrows.get(order_id, []), order[kind.price]
        standing = [(each["status"], each["user_id"], each["amount"]) for each in own if each["status"] != "VOIDED"]
        if standing != kind.escrows_of(order):
            states = [f"{escrow['amount']} {escrow['status']}" for escrow in own]
            yield f"{kind.noun} {order_id} of {price} is {order['status']}, its escrows are {states}"
        elif order["status"] == "REFUNDED" and price not in {escrow["amount"] for escrow in own}:
            yield f"{kind.noun} {order_id} of {price} is REFUNDED, and no escrow was returned"
