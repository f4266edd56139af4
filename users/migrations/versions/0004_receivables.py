"""What users owe; movements get the time when they are written, not when their transaction began."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_account_kind")
    op.execute(
        """
        ALTER TABLE ledger_entries ADD CONSTRAINT ck_ledger_entries_account_kind
        CHECK (account_kind IN ('wallet', 'escrow', 'loyalty', 'revenue', 'external', 'receivable'))
        """
    )
    op.execute("ALTER TABLE ledger_transactions ALTER COLUMN created_at SET DEFAULT clock_timestamp()")
