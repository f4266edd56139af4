"""Credits: every movement balances, and balances are what was moved."""

from devstack.invariants.books import Books

__all__ = ["violations"]


def violations(books: Books) -> list[str]:
    return [
        *(
            f"transaction {row['transaction_id']} is off by {row['surplus']} {row['currency']}"
            for row in books.unbalanced
        ),
        *(f"{row['account_kind']} of {row['account_owner']} is negative" for row in books.negative),
        *(
            f"{row['account_kind']} of {row['account_owner']} is {row['amount']}, its entries say {row['entries']}"
            for row in books.drifted
        ),
        *(f"receivable of {row['account_owner']} is {row['amount']}: paid more than owed" for row in books.overpaid),
        *(
            f"escrow of {row['account_owner']} is {row['amount']}, held is {row['held']}"
            for row in books.escrow_balances
        ),
        *(
            f"charge {row['transaction_id']} of {row['amount']} was taken back by {row['taken_back']}"
            for row in books.charges
            if row["taken_back"] not in {None, row["amount"]}
        ),
    ]
