"""Money from outside: what was credited is what was paid, once, and what was refunded is back."""

from typing import Any

from devstack.invariants.books import Books, Row, grouped

__all__ = ["violations"]


def violations(books: Books) -> list[str]:
    made = grouped(books.payment_credits, "reference")
    known = {str(payment["payment_id"]) for payment in books.payments}
    return [
        *(
            f"payment {payment['payment_id']} ({payment['status']}) of {payment['amount']} moved {_told(moved)}"
            for payment in books.payments
            if (moved := sorted(map(_movement, made.get(str(payment["payment_id"]), [])))) != _owed(payment)
        ),
        *(
            f"{row['provider']} credited {row['amount']} to {row['wallet']} for {row['reference']}, which is no payment"
            for row in books.payment_credits
            if row["reference"] not in known
        ),
    ]


def _owed(payment: Row) -> list[tuple[Any, ...]]:
    """Return what a payment should have moved: nothing, or its amount in, or that in and out again."""
    if payment["credited_at"] is None:
        return []
    signs = {"top_up": 1, "top_up_reversal": -1} if payment["status"] == "REFUNDED" else {"top_up": 1}
    account = (payment["provider"], str(payment["user_id"]))
    return [(kind, *account, sign * payment["amount"]) for kind, sign in sorted(signs.items())]


def _movement(row: Row) -> tuple[Any, ...]:
    return row["kind"], row["provider"], row["wallet"], row["amount"]


def _told(moved: list[tuple[Any, ...]]) -> str:
    return ", ".join(f"{amount} ({kind}) to {wallet}" for kind, _, wallet, amount in moved) or "nothing"
