"""Payments: a payment is credited once, and its refund reverses the credit once."""

from typing import Any

from invariants.snapshot import Row, Snapshot, grouped


def violations(snapshot: Snapshot) -> list[str]:
    movements = grouped(snapshot.payment_credits, "reference")
    known = {str(payment["payment_id"]) for payment in snapshot.payments}
    return [
        *(
            f"payment {payment['payment_id']} ({payment['status']}) of {payment['amount']} moved {_described(moved)}"
            for payment in snapshot.payments
            if (moved := sorted(map(_movement, movements.get(str(payment["payment_id"]), [])))) != _expected(payment)
        ),
        *(
            f"{row['provider']} credited {row['amount']} to {row['wallet']} for {row['reference']}, which is not a payment"
            for row in snapshot.payment_credits
            if row["reference"] not in known
        ),
    ]


def _expected(payment: Row) -> list[tuple[Any, ...]]:
    """Return the expected movements: none, the amount in, or the amount in and out again."""
    if payment["credited_at"] is None:
        return []
    signs = {"top_up": 1, "top_up_reversal": -1} if payment["status"] == "REFUNDED" else {"top_up": 1}
    account = (payment["provider"], str(payment["user_id"]))
    return [(kind, *account, sign * payment["amount"]) for kind, sign in sorted(signs.items())]


def _movement(row: Row) -> tuple[Any, ...]:
    return row["kind"], row["provider"], row["wallet"], row["amount"]


def _described(moved: list[tuple[Any, ...]]) -> str:
    return ", ".join(f"{amount} ({kind}) to {wallet}" for kind, _, wallet, amount in moved) or "nothing"
