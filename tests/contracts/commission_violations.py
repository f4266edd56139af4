"""Changes that violate the invariants of commissions."""

# ruff: noqa: S608 - the statements are composed of constants

from typing import Final

from tests.contracts.violation import Violation

# The transactions that collect an order's escrow.
COLLECTED: Final = (
    "kind = 'platform_revenue' AND reference IN (SELECT CAST(escrow_id AS text) FROM escrows WHERE reference = $1)"
)

COMMISSIONS: Final = {
    "a published commission is refunded": Violation(
        saga="commission",
        database="orders",
        sql="UPDATE commissions SET status = 'REFUNDED', slug = NULL WHERE order_id = $1",
        parameters=("saga_id",),
        expected=(
            "commission saga {saga_id} is COMPLETED, its order is REFUNDED",
            "commission {saga_id} of 40.00 is REFUNDED, its escrows are ['40.00 RELEASED']",
            "the platform collected ['40.00'] for commission {saga_id}, which is not COMPLETED",
            "of commission {saga_id} is published, and the order is not complete",
        ),
    ),
    "a commission has no saga": Violation(
        saga="commission",
        database="orchestrator",
        sql="DELETE FROM sagas WHERE saga_id = $1",
        parameters=("saga_id",),
        expected=("commission {saga_id} is COMPLETED, its saga is None",),
    ),
    "another amount is held for a commission": Violation(
        saga="commission",
        database="users",
        sql="UPDATE escrows SET amount = 1 WHERE reference = $1",
        parameters=("saga_id",),
        expected=("commission {saga_id} of 40.00 is PROCESSING, its escrows are ['1.00 HELD']",),
        waits=True,
    ),
    "an escrow is held for no commission": Violation(
        saga="commission",
        database="orders",
        sql="DELETE FROM commissions WHERE order_id = $1",
        parameters=("saga_id",),
        expected=("of commission {saga_id} is HELD without an order", "{saga_id} is WAITING, its order is None"),
        waits=True,
    ),
    "a refunded commission returned no escrow": Violation(
        saga="commission",
        database="orders",
        sql="INSERT INTO commissions (order_id, customer_user_id, type, price, pay_with, event_id, status, status_at, paid_at,"
        " ended_at, opened_by_request_id) SELECT gen_random_uuid(), customer_user_id, type, price, pay_with, event_id,"
        " 'REFUNDED', now(), now(), now(), gen_random_uuid() FROM commissions WHERE order_id = $1",
        parameters=("saga_id",),
        expected=("of 40.00 is REFUNDED, and no escrow was returned",),
    ),
    "a commission was not collected": Violation(
        saga="commission",
        database="users",
        sql=f"UPDATE ledger_transactions SET kind = 'transfer' WHERE {COLLECTED}",
        parameters=("saga_id",),
        expected=("commission {saga_id} is to pay 40.00, collected: []",),
    ),
    "a commission was collected twice": Violation(
        saga="commission",
        database="users",
        sql="WITH again AS (INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)"
        f" SELECT gen_random_uuid(), gen_random_uuid(), kind, reference FROM ledger_transactions WHERE {COLLECTED}"
        " RETURNING transaction_id, reference)"
        " INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)"
        " SELECT again.transaction_id, account_kind, account_owner, currency, amount FROM again"
        " JOIN ledger_transactions first USING (reference) JOIN ledger_entries e ON e.transaction_id = first.transaction_id",
        parameters=("saga_id",),
        expected=("is to pay 40.00, collected: ['40.00 for commissions', '40.00 for commissions']",),
    ),
    "a commission was collected for another account": Violation(
        saga="commission",
        database="users",
        sql="UPDATE ledger_entries SET account_owner = 'write_off' WHERE account_kind = 'platform' AND transaction_id IN"
        f" (SELECT transaction_id FROM ledger_transactions WHERE {COLLECTED})",
        parameters=("saga_id",),
        expected=("is to pay 40.00, collected: ['40.00 for write_off']", "corrects an account without an admin"),
    ),
    "a published commission has no article": Violation(
        saga="commission",
        database="events",
        sql="UPDATE articles SET order_id = NULL WHERE order_id = $1",
        parameters=("saga_id",),
        expected=("commission {saga_id} is published as", "its article is None"),
    ),
    "an article has another address": Violation(
        saga="commission",
        database="events",
        sql="UPDATE articles SET slug = slug || '-moved' WHERE order_id = $1",
        parameters=("saga_id",),
        expected=("commission {saga_id} is published as", "-moved"),
    ),
}
