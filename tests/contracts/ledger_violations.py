"""Changes that violate the invariants of debts, partial refunds and corrections."""

from typing import Final

from tests.contracts.violation import Violation

LEDGER: Final = {
    "a wallet owes nothing, its receivable does": Violation(
        saga="reversal",
        database="users",
        sql="UPDATE balances SET owed = 0"
        " WHERE account_kind = 'wallet' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        parameters=("seller_user_id",),
        expected=("wallet of {seller_user_id} owes 0.00, its receivable is",),
    ),
    "a part of a charge is not counted as refunded": Violation(
        saga="refund",
        database="users",
        sql="UPDATE reversed_amounts SET amount = 1 FROM ledger_transactions t"
        " WHERE t.transaction_id = reversed_amounts.transaction_id AND t.reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("order_id",),
        expected=("was reversed by 240.00, counted: 1.00",),
    ),
    "a movement is booked as an adjustment": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE ledger_entries SET account_kind = 'platform', account_owner = 'adjustment'"
        " WHERE account_kind = 'revenue' AND transaction_id ="
        " (SELECT transaction_id FROM ledger_transactions WHERE reference = CAST(CAST($1 AS uuid) AS text))",
        parameters=("order_id",),
        expected=("corrects an account without an admin and a reason",),
    ),
}
