"""Payments for digital orders, which are closed when their order ends.

It may begin again, because constraints are validated online.
"""

from typing import Final

from alembic import op

from common.db.migrations import validate_online

revision = "0017"
down_revision = "0016"

DROP: Final = "ALTER TABLE payments DROP CONSTRAINT IF EXISTS ck_payments_purpose"
ADD: Final = "ALTER TABLE payments ADD CONSTRAINT ck_payments_purpose CHECK (purpose IN ({purposes})) NOT VALID"
COLUMNS: Final = """
    ALTER TABLE payments ADD COLUMN IF NOT EXISTS original_amount numeric(14, 2),
                         ADD COLUMN IF NOT EXISTS closed_at timestamptz
"""
DROP_SETTLED: Final = "ALTER TABLE payments DROP CONSTRAINT IF EXISTS ck_payments_original_amount"
ADD_SETTLED: Final = """
    ALTER TABLE payments ADD CONSTRAINT ck_payments_original_amount CHECK (
        original_amount IS NULL OR original_amount >= amount AND closed_at IS NOT NULL AND credited_at IS NOT NULL
    ) NOT VALID
"""


def upgrade() -> None:
    op.execute(DROP)
    op.execute(ADD.format(purposes="'topup', 'order', 'commission', 'digital_order'"))
    op.execute(COLUMNS)
    op.execute(DROP_SETTLED)
    op.execute(ADD_SETTLED)
    validate_online("payments", "ck_payments_purpose")
    validate_online("payments", "ck_payments_original_amount")


def downgrade() -> None:
    """Payments for digital orders stay: the constraint holds for new ones."""
    op.execute(DROP_SETTLED)
    op.execute("ALTER TABLE payments DROP COLUMN IF EXISTS original_amount, DROP COLUMN IF EXISTS closed_at")
    op.execute(DROP)
    op.execute(ADD.format(purposes="'topup', 'order', 'commission'"))
