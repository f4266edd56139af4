"""Performers' earnings: what escrows are for, payments that are pending, and payouts.

It may begin again, because a constraint is validated online.
"""

from typing import Final

from alembic import op

from common.db.migrations import validate_online

revision = "0015"
down_revision = "0014"

UPGRADE: Final = (
    "ALTER TABLE escrows ADD COLUMN IF NOT EXISTS purpose text",
    "ALTER TABLE ledger_entries DROP CONSTRAINT IF EXISTS ck_ledger_entries_account_kind",
    """
    ALTER TABLE ledger_entries ADD CONSTRAINT ck_ledger_entries_account_kind CHECK (account_kind IN (
        'wallet', 'escrow', 'loyalty', 'revenue', 'external', 'receivable', 'platform', 'pending_earnings')) NOT VALID
    """,
    """
    CREATE TABLE IF NOT EXISTS payouts (
        payout_id uuid CONSTRAINT pk_payouts PRIMARY KEY,
        performer_user_id uuid NOT NULL CONSTRAINT fk_payouts_performer_user_id_users REFERENCES users,
        number integer NOT NULL,
        amount numeric(14, 2) NOT NULL,
        items integer NOT NULL,
        transaction_id uuid
            CONSTRAINT fk_payouts_transaction_id_ledger_transactions REFERENCES ledger_transactions,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS uq_payouts_performer_user_id ON payouts (performer_user_id, number)",
    """
    CREATE TABLE IF NOT EXISTS pending_earnings (
        item_id uuid CONSTRAINT pk_pending_earnings PRIMARY KEY,
        performer_user_id uuid NOT NULL CONSTRAINT fk_pending_earnings_performer_user_id_users REFERENCES users,
        amount numeric(14, 2) NOT NULL,
        transaction_id uuid NOT NULL
            CONSTRAINT fk_pending_earnings_transaction_id_ledger_transactions REFERENCES ledger_transactions,
        payout_id uuid CONSTRAINT fk_pending_earnings_payout_id_payouts REFERENCES payouts,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE INDEX IF NOT EXISTS ix_pending_earnings_unpaid
    ON pending_earnings (performer_user_id) WHERE payout_id IS NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS ix_pending_earnings_payout
    ON pending_earnings (payout_id, item_id) WHERE payout_id IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)
    validate_online("ledger_entries", "ck_ledger_entries_account_kind")


def downgrade() -> None:
    """The books stay, so the ledger keeps the wider constraint."""
    op.drop_table("pending_earnings")
    op.drop_table("payouts")
    op.drop_column("escrows", "purpose")
