"""Refunds and disputes of payments, the credits that they take back, and the deposits of a payment by crypto."""

from typing import Final

from alembic import op

revision = "0007"
down_revision = "0006"

# The defaults serve the previous release, whose processes still write payments during the deployment.
STATEMENTS: Final = (
    """
    ALTER TABLE payments
        ADD COLUMN refunded_amount numeric(14, 2) NOT NULL DEFAULT 0,
        ADD COLUMN disputed_amount numeric(14, 2) NOT NULL DEFAULT 0,
        ADD COLUMN dispute_status text,
        ADD COLUMN reversals jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN taken_back numeric(14, 2) NOT NULL DEFAULT 0,
        ADD COLUMN reversal_count integer NOT NULL DEFAULT 0,
        ADD COLUMN deposits jsonb NOT NULL DEFAULT '{}',
        ADD CONSTRAINT ck_payments_dispute_status
            CHECK (dispute_status IN ('OPEN', 'WITHDRAWN', 'LOST', 'WON', 'CLOSED')) NOT VALID,
        ADD CONSTRAINT ck_payments_taken_back
            CHECK (taken_back BETWEEN 0 AND CASE WHEN credited_at IS NULL THEN 0 ELSE amount END) NOT VALID
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
