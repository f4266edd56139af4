"""Credits: every transaction balances, and every balance is the sum of its entries."""

from invariants.snapshot import Snapshot


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
            f"escrow of {row['account_owner']} is {row['amount']}, its held escrows sum up to {row['held']}"
            for row in snapshot.escrow_balances
        ),
        *(
            f"charge {row['transaction_id']} of {row['amount']} was reversed by {row['taken_back']}"
            for row in snapshot.charges
            if row["taken_back"] not in {None, row["amount"]}
        ),
    ]
