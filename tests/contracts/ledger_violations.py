"""Changes that violate the invariants of balances, escrows, premiums, debts and corrections."""

from typing import Final

from tests.contracts.violation import Violation

LEDGER: Final = {
    "a deleted account keeps its email address": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE users SET deleted_at = now() WHERE user_id = CAST($1 AS uuid)",
        parameters=("user_id",),
        expected=("deleted account {user_id} still has personal data",),
    ),
    "an account that exists forfeits credits": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'forfeit' WHERE kind = 'deduct' AND reference = $1",
        parameters=("order_id",),
        expected=("forfeit ",),
    ),
    "a wallet differs from its movements": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE balances SET amount = amount + 1 WHERE account_kind = 'wallet' AND account_owner = $1",
        parameters=("user_id",),
        expected=("wallet of {user_id} is",),
    ),
    "an escrow account exceeds its holds": Violation(
        saga="transfer",
        database="users",
        sql="UPDATE balances SET amount = amount + 1 WHERE account_kind = 'escrow' AND account_owner = $1",
        parameters=("buyer_user_id",),
        expected=("escrow of {buyer_user_id} is 1.00, its held escrows sum up to 0",),
    ),
    "a receivable was overpaid": Violation(
        saga="reversal",
        database="users",
        sql="UPDATE ledger_entries SET amount = 5 WHERE account_kind = 'receivable' AND account_owner = $1",
        parameters=("seller_user_id",),
        expected=("receivable of {seller_user_id} is 5.00: more was repaid than owed",),
    ),
    "a waiting sale has no escrow": Violation(
        saga="resale",
        waits=True,
        database="users",
        sql="UPDATE escrows SET status = 'VOIDED' WHERE reference = $1",
        parameters=("sale_id",),
        expected=("sale {sale_id} waits with [] in escrow instead of 130.00",),
    ),
    "a completed transfer keeps its escrow": Violation(
        saga="transfer",
        database="users",
        sql="UPDATE escrows SET status = 'HELD' WHERE reference = $1",
        parameters=("transfer_id",),
        expected=(
            "({transfer_id}) is held without a pending sale",
            "{transfer_id} was completed for 30.00, released: []",
        ),
    ),
    "too little was released from escrow": Violation(
        saga="transfer",
        database="users",
        sql="UPDATE escrows SET amount = 29 WHERE reference = $1",
        parameters=("transfer_id",),
        expected=("{transfer_id} was completed for 30.00, released: ['29.00']",),
    ),
    "escrow was released to another user": Violation(
        saga="resale",
        database="users",
        sql="UPDATE ledger_entries SET account_owner = 'another user' WHERE account_kind = 'wallet' AND transaction_id ="
        " (SELECT t.transaction_id FROM ledger_transactions t"
        " JOIN escrows x ON t.reference = CAST(x.escrow_id AS text) AND t.kind = 'escrow_release'"
        " WHERE x.reference = $1)",
        parameters=("sale_id",),
        expected=("{sale_id} was completed for 130.00, released: ['130.00']",),
    ),
    "a reversed transfer returned no credits": Violation(
        saga="reversal",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer' WHERE kind = 'transfer_reversal' AND reference = $1",
        parameters=("transfer_id",),
        expected=("transfer {transfer_id} of 30.00 was reversed by []",),
    ),
    "a disputed transfer returned its credits": Violation(
        saga="reversal",
        database="orders",
        sql="UPDATE transfers SET status = 'DISPUTED', ended_at = NULL WHERE transfer_id = $1",
        parameters=("transfer_id",),
        expected=(
            "{transfer_id} is not reversed, but its credits are",
            "transfer {transfer_id} is disputed, and its buyer does not have the ticket",
        ),
    ),
    "a premium was not returned": Violation(
        saga="refund seats",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer' WHERE kind = 'transfer_reversal' AND reference = $1",
        parameters=("saga_id",),
        expected=("refund {saga_id} returned premiums of [] instead of ['5.00', '15.00']",),
    ),
    "an owner was not made whole": Violation(
        saga="refund seats",
        database="orchestrator",
        sql="UPDATE sagas SET data = jsonb_set(data, '{premiums}', '[]') WHERE saga_id = $1",
        parameters=("saga_id",),
        expected=("refund {saga_id} left the owner of seat", "without 20.00"),
    ),
    "a wallet owes nothing, its receivable does": Violation(
        saga="reversal",
        database="users",
        sql="UPDATE balances SET owed = 0 WHERE account_kind = 'wallet' AND account_owner = $1",
        parameters=("seller_user_id",),
        expected=("wallet of {seller_user_id} owes 0.00, its receivable is",),
    ),
    "a part of a charge is not counted as refunded": Violation(
        saga="refund",
        database="users",
        sql="UPDATE reversed_amounts SET amount = 1 FROM ledger_transactions t"
        " WHERE t.transaction_id = reversed_amounts.transaction_id AND t.reference = $1",
        parameters=("order_id",),
        expected=("was reversed by 240.00, counted: 1.00",),
    ),
    "a movement is booked as an adjustment": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE ledger_entries SET account_kind = 'platform', account_owner = 'adjustment'"
        " WHERE account_kind = 'revenue' AND transaction_id ="
        " (SELECT transaction_id FROM ledger_transactions WHERE reference = $1)",
        parameters=("order_id",),
        expected=("corrects an account without an admin and a reason",),
    ),
}
