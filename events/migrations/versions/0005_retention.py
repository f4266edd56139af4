"""The index for the deletion of old requests."""

from alembic import op

from common.db.migrations import create_index_online

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_index_online("ix_requests_created_at", "requests", "created_at")


def downgrade() -> None:
    op.drop_index("ix_requests_created_at", "requests")
