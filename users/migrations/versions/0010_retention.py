"""What the previous revisions leave to be done while the older release writes.

Old refunds in full, accounts that share a verified phone, constraints, and the indexes: also those for the deletion of
old requests, and for admins' lists of payments by status.
"""

from typing import Final

from alembic import op

from common.db.migrations import create_index_online, online, validate_online

revision = "0010"
down_revision = "0009"

# Until now every refund was one of the whole amount.
RECORD_REFUNDS: Final = """
    UPDATE payments SET refunded_amount = amount, taken_back = CASE WHEN credited_at IS NULL THEN 0 ELSE amount END,
                        reversals = jsonb_build_object('refund_total', CAST(amount AS text))
    WHERE status = 'REFUNDED' AND refunded_amount = 0
"""
# Accounts that share a phone keep it; the first of them excludes new ones.
MARK_SHARED: Final = """
    UPDATE users SET shares_phone = true
    FROM (SELECT user_id, row_number() OVER (PARTITION BY phone ORDER BY created_at, user_id) AS place
          FROM users WHERE is_verified) AS numbered
    WHERE numbered.user_id = users.user_id AND numbered.place > 1
"""
# name, table, columns, condition
INDEXES: Final = (
    ("ix_payments_disputed", "payments", "provider, created_at", "dispute_status IN ('OPEN', 'WITHDRAWN')"),
    (
        "ix_ledger_transactions_refunds_transaction_id",
        "ledger_transactions",
        "refunds_transaction_id",
        "refunds_transaction_id IS NOT NULL",
    ),
    (
        "ix_ledger_transactions_by_admins",
        "ledger_transactions",
        "created_at, transaction_id",
        "made_by_user_id IS NOT NULL",
    ),
    ("ix_balances_owed", "balances", "account_owner", "owed > 0"),
    ("ix_requests_created_at", "requests", "created_at", None),
    ("ix_payments_status_newest", "payments", "status, created_at", None),
)


def upgrade() -> None:
    with online():
        op.execute(RECORD_REFUNDS)
    validate_online("payments", "ck_payments_dispute_status", "ck_payments_taken_back")
    validate_online("balances", "ck_balances_owed_not_negative")
    validate_online("ledger_entries", "ck_ledger_entries_account_kind")
    for name, table, columns, where in INDEXES:
        create_index_online(name, table, columns, where=where)
    # It fails if the older release verifies a shared phone at this moment; the next attempt marks that account too.
    with online():
        op.execute(MARK_SHARED)
    create_index_online(
        "uq_users_verified_phone", "users", "phone", where="is_verified AND NOT shares_phone", is_unique=True
    )


def downgrade() -> None:
    op.drop_index("uq_users_verified_phone", "users")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
