"""Purchased items: each has its saga, its escrow while it waits for its performance, and its payment once it is complete."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from invariants.resales import is_status_of
from invariants.snapshot import Row, Rows, Snapshot, grouped

__all__ = ["violations"]

SOLD_AT_ONCE: Final[Mapping[str, set[str | None]]] = {"COMPLETED": {"SUCCESS"}, "UNWOUND": {None}}
ENDED: Final[set[str | None]] = {"FAILED", "CANCELLED", "DECLINED", "EXPIRED", None}
ITEM_OF_SAGA: Final[Mapping[str, Mapping[str, set[str | None]]]] = {
    "item purchase": SOLD_AT_ONCE,
    "queued tip": {"COMPLETED": {"SUCCESS"}, "UNWOUND": ENDED, "WAITING": {"PENDING"}},
    "funded tip": {"COMPLETED": {"SUCCESS"}, "UNWOUND": ENDED, "WAITING": {"PENDING"}},
    "queued menu item": {"COMPLETED": {"SUCCESS"}, "UNWOUND": ENDED, "WAITING": {"PENDING", "IN_PROGRESS"}},
}
WAITING: Final = frozenset({"PENDING", "IN_PROGRESS"})


def violations(snapshot: Snapshot) -> list[str]:
    return [
        *_sagas(snapshot),
        *_escrows(snapshot),
        *_payments(snapshot),
        *_settlements(snapshot),
        *_queues(snapshot),
    ]


def _sagas(snapshot: Snapshot) -> Iterator[str]:
    status = {item["purchased_item_id"]: item["status"] for item in snapshot.purchased_items}
    sagas = {kind: snapshot.sagas_of(kind) for kind in ITEM_OF_SAGA}
    for kind, states in sagas.items():
        for saga_id, state in states.items():
            if not is_status_of(ITEM_OF_SAGA[kind], state, status.get(saga_id)):
                yield f"{kind} {saga_id} is {state}, its item is {status.get(saga_id)}"
    known = {saga_id for states in sagas.values() for saga_id in states}
    for item_id, its_status in status.items():
        if its_status == "OPENING" or (item_id not in known and its_status not in ENDED):
            yield f"purchased item {item_id} is {its_status}, its saga is {'ended' if item_id in known else None}"


def _escrows(snapshot: Snapshot) -> Iterator[str]:
    """An item that waits with its credits held has one held escrow, a complete one has one that was released.

    Nothing else is held or released, and what is refunded was returned.
    """
    escrows = grouped(snapshot.item_escrows, "reference")
    items = {str(item["purchased_item_id"]): item for item in snapshot.purchased_items}
    for reference in escrows.keys() - items.keys():
        yield from (
            f"escrow {escrow['escrow_id']} of {escrow['purpose']} {reference} is {escrow['status']} without an item"
            for escrow in escrows[reference]
            if escrow["status"] != "VOIDED"
        )
    for item_id, item in items.items():
        own = escrows.get(item_id, [])
        standing = [_facts_of(escrow) for escrow in own if escrow["status"] != "VOIDED"]
        if standing != _expected_escrows(item):
            yield (
                f"purchased item {item_id} of {item['price']} is {item['status']} ({item['settlement_status']}), its "
                f"escrows are {_states(own)}"
            )
        elif item["settlement_status"] == "refunded" and item["price"] not in {escrow["amount"] for escrow in own}:
            yield f"purchased item {item_id} of {item['price']} is refunded, and no escrow was returned"


def _facts_of(escrow: Row) -> tuple[Any, ...]:
    return escrow["status"], escrow["user_id"], escrow["amount"], escrow["purpose"]


def _expected_escrows(item: Row) -> list[tuple[Any, ...]]:
    if item["status"] in WAITING and item["settlement_status"] == "held":
        return [("HELD", item["buyer_user_id"], item["price"], item["type"])]
    if item["status"] == "SUCCESS":
        return [("RELEASED", item["buyer_user_id"], item["price"], item["type"])]
    return []


def _states(escrows: Rows) -> list[str]:
    return [f"{escrow['amount']} {escrow['status']}" for escrow in escrows]


def _payments(snapshot: Snapshot) -> Iterator[str]:
    """Each complete item has one payment from its buyer to its performer, with its points; nothing else has one."""
    payments = grouped(snapshot.performer_payments, "reference")
    complete = {
        str(item["purchased_item_id"]): item for item in snapshot.purchased_items if item["status"] == "SUCCESS"
    }
    for reference in payments.keys() - complete.keys():
        yield f"performers were paid {_amounts(payments[reference])} for {reference}, which is not complete"
    for item_id, item in complete.items():
        own = payments.get(item_id, [])
        if [_parties_of(payment) for payment in own] != [_expected_payment(item)]:
            yield (
                f"purchased item {item_id} of {item['price']} and {item['bonus_points']} points was paid {_amounts(own)}"
            )


def _parties_of(payment: Row) -> tuple[Any, ...]:
    return payment["buyer"], payment["performer"], payment["amount"], payment["points"], payment["is_batched"]


def _expected_payment(item: Row) -> tuple[Any, ...]:
    buyer, performer = str(item["buyer_user_id"]), str(item["performer_id"])
    return buyer, performer, item["price"], item["bonus_points"], item["is_batched"]


def _amounts(payments: Rows) -> list[str]:
    return [f"{payment['amount']} and {payment['points']} points" for payment in payments]


def _settlements(snapshot: Snapshot) -> Iterator[str]:
    """A complete item is settled once its performer has the credits: at once, or by the payout that it names."""
    payout_of = {row["item_id"]: row["payout_id"] for row in snapshot.pending_earnings}
    for item in snapshot.purchased_items:
        item_id, payout_id = item["purchased_item_id"], payout_of.get(item["purchased_item_id"])
        is_settled = item["status"] == "SUCCESS" and (payout_id is not None or not item["is_batched"])
        if (item["settlement_status"] == "settled") != is_settled or item["payout_id"] != payout_id:
            yield (
                f"purchased item {item_id} of performer {item['performer_id']} is {item['settlement_status']} by payout "
                f"{item['payout_id']}, it was paid by {payout_id}"
            )


def _queues(snapshot: Snapshot) -> Iterator[str]:
    """A queue's counters, and the counts of its blocks, are those of its items."""
    for queue in snapshot.miscounted_queues:
        yield (
            f"queue of performer {queue['performer_id']} counts {queue['counted']} waiting, in blocks "
            f"{queue['in_small_blocks']} and {queue['in_large_blocks']}; {queue['waiting']} wait"
        )
