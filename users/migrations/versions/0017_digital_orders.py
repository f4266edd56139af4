"""Payments for digital orders. It may begin again, because a constraint is validated online."""

from typing import Final

from alembic import op

from common.db.migrations import validate_online

revision = "0017"
down_revision = "0016"

DROP: Final = "ALTER TABLE payments DROP CONSTRAINT IF EXISTS ck_payments_purpose"
ADD: Final = "ALTER TABLE payments ADD CONSTRAINT ck_payments_purpose CHECK (purpose IN ({purposes})) NOT VALID"


def upgrade() -> None:
    op.execute(DROP)
    op.execute(ADD.format(purposes="'topup', 'order', 'commission', 'digital_order'"))
    validate_online("payments", "ck_payments_purpose")


def downgrade() -> None:
    """Payments for digital orders stay: the constraint holds for new ones."""
    op.execute(DROP)
    op.execute(ADD.format(purposes="'topup', 'order', 'commission'"))
