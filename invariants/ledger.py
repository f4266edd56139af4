"""Credits: every transaction balances, every balance is the sum of its entries, and deleted accounts keep books only."""

from invariants.snapshot import Row, Snapshot


def violations(snapshot: Snapshot) -> list[str]:
    return [
        *(
            f"transaction {row['transaction_id']} does not balance: {row['surplus']} {row['currency']}"
            for row in snapshot.unbalanced
        ),
        *(f"{row['account_kind']} of {row['account_owner']} is negative" for row in snapshot.negative),
        *(
            f"{row['account_kind']} of {row['account_owner']} is {row['amount']}, its entries sum up to {row['entries']}"
            for row in snapshot.drifted
        ),
        *(
            f"receivable of {row['account_owner']} is {row['amount']}: more was repaid than owed"
            for row in snapshot.overpaid
        ),
        *(
            f"wallet of {row['account_owner']} owes {row['owed']}, its receivable is {row['entries']}"
            for row in snapshot.owed
        ),
        *(
            f"{row['kind']} {row['transaction_id']} corrects an account without an admin and a reason"
            for row in snapshot.unexplained
        ),
        *(f"deleted account {row['user_id']} still has personal data" for row in snapshot.undeleted),
        *(
            f"escrow of {row['account_owner']} is {row['amount']}, its held escrows sum up to {row['held']}"
            for row in snapshot.escrow_balances
        ),
        *(
            f"charge {row['transaction_id']} of {row['amount']} was reversed by {row['taken_back']}"
            for row in snapshot.charges
            if not _is_refunded_right(row)
        ),
        *(
            f"charge {row['transaction_id']} was reversed by {row['taken_back']}, counted: {row['counted']}"
            for row in snapshot.charges
            if row["counted"] not in {None, row["taken_back"]}
        ),
    ]


def _is_refunded_right(charge: Row) -> bool:
    """Return whether a charge was refunded exactly as a whole, in parts up to its amount, or not at all."""
    refunded = charge["taken_back"]
    if refunded is None or refunded == charge["amount"]:
        return True
    return bool(not charge["is_reversed"] and refunded < charge["amount"])
