"""Indexes for the deletion of old requests, and for admins' lists of payments by status."""

from alembic import op

from common.db.migrations import create_index_online

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    create_index_online("ix_requests_created_at", "requests", "created_at")
    create_index_online("ix_payments_status_newest", "payments", "status, created_at")


def downgrade() -> None:
    op.drop_index("ix_payments_status_newest", "payments")
    op.drop_index("ix_requests_created_at", "requests")
