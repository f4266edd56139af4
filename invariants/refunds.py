"""Refunds: none is half made, and the last owner of each refunded ticket got back what they had paid."""

import json
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from invariants.snapshot import Row, Snapshot, grouped


def violations(snapshot: Snapshot) -> list[str]:
    return [*_begun(snapshot), *_premiums(snapshot)]


def _begun(snapshot: Snapshot) -> list[str]:
    return [
        *(
            f"a refund of order {order['order_id']} has begun and was not made"
            for order in snapshot.orders
            if order["is_refund_begun"] and order["status"] != "REFUNDED"
        ),
        *(
            f"a refund of seat {seat['seat_id']} of order {seat['order_id']} has begun and was not made"
            for seat in snapshot.order_seats
            if seat["is_refund_begun"] and not seat["is_refunded"]
        ),
    ]


def _premiums(snapshot: Snapshot) -> list[str]:
    """Each premium moved once, and together they cover what an owner had paid above the original price.

    An owner who had sold the same ticket before bears a part of it.
    """
    moved = grouped(snapshot.premiums, "reference")
    sellers = _sellers(snapshot)
    broken = []
    for refund in snapshot.refunds:
        premiums = json.loads(refund["premiums"] or "[]")
        due = sorted(Decimal(premium["amount"]) for premium in premiums)
        paid = sorted(row["amount"] for row in moved.get(str(refund["saga_id"]), []))
        if paid != due:
            broken.append(f"refund {refund['saga_id']} returned premiums of {_texts(paid)} instead of {_texts(due)}")
        broken += [
            f"refund {refund['saga_id']} left the owner of seat {seat['seat_id']} without {missing}"
            for seat in json.loads(refund["seats"] or "[]")
            if (missing := _missing(seat, premiums))
            and seat["owner_user_id"] not in sellers[str(refund["order_id"]), seat["seat_id"]]
        ]
    return broken


def _missing(seat: Mapping[str, Any], premiums: list[dict[str, Any]]) -> Decimal:
    returned = sum(
        (Decimal(premium["amount"]) for premium in premiums if premium["seat_id"] == seat["seat_id"]), Decimal(0)
    )
    return max(Decimal(seat.get("price_paid", "0")) - Decimal(seat["price"]), Decimal(0)) - returned


def _sellers(snapshot: Snapshot) -> Mapping[tuple[str, str], set[str]]:
    """Return the users who sold a ticket, by order and seat."""
    sellers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    changes: list[Row] = [row for row in (*snapshot.transfers, *snapshot.listings) if row["completed_at"] is not None]
    for change in changes:
        sellers[str(change["order_id"]), str(change["seat_id"])].add(str(change["seller_user_id"]))
    return sellers


def _texts(amounts: list[Decimal]) -> list[str]:
    return [str(amount) for amount in amounts]
