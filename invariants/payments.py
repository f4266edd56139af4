"""Payments: a payment is credited once, and its refunds and disputes take back what they amount to, never more.

What was received of a closed payment is credited, even if it is less than the amount.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from invariants.snapshot import Row, Snapshot, grouped

NOTHING: Final = Decimal(0)


def violations(snapshot: Snapshot) -> list[str]:
    movements = grouped(snapshot.payment_credits, "reference")
    known = {str(payment["payment_id"]) for payment in snapshot.payments}
    return [
        *(
            f"payment {payment['payment_id']} ({payment['status']}) of {payment['amount']} moved {_described(moved)}"
            for payment in snapshot.payments
            for moved in [movements.get(str(payment["payment_id"]), [])]
            if not _is_expected(payment, moved)
        ),
        *(
            f"payment {payment['payment_id']} ({payment['status']}) of {payment['amount']} took {payment['taken_back']} "
            f"back for refunds of {payment['refunded_amount']} and disputes of {payment['disputed_amount']}"
            for payment in snapshot.payments
            if payment["taken_back"] != _to_take_back(payment)
            or (payment["status"] == "REFUNDED") != (payment["refunded_amount"] == payment["amount"])
        ),
        *(
            f"payment {payment['payment_id']} of {payment['amount']} is closed, and {payment['unsettled']} of it is not credited"
            for payment in snapshot.payments
            if payment["unsettled"]
        ),
        *(
            f"{row['provider']} credited {row['amount']} to {row['owner']} for {row['reference']}, which is not a payment"
            for row in snapshot.payment_credits
            if row["reference"] not in known
        ),
    ]


def _is_expected(payment: Row, moved: Sequence[Row]) -> bool:
    """Whether its user got the amount once, less what was taken back, all from its provider."""
    account = (payment["provider"], str(payment["user_id"]))
    balance = NOTHING if payment["credited_at"] is None else payment["amount"] - payment["taken_back"]
    is_own = all((row["provider"], row["owner"]) == account for row in moved)
    return is_own and sum((row["amount"] for row in moved), NOTHING) == balance


def _to_take_back(payment: Row) -> Decimal:
    if payment["credited_at"] is None:
        return NOTHING
    to_take_back: Decimal = min(payment["refunded_amount"] + payment["disputed_amount"], payment["amount"])
    return to_take_back


def _described(moved: Sequence[Row]) -> str:
    return ", ".join(f"{row['amount']} ({row['kind']}) to {row['owner']}" for row in moved) or "nothing"
