"""The index for the deletion of old requests, and constraints, while the older release writes."""

from alembic import op

from common.db.migrations import create_index_online, validate_online

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    validate_online("events", "ck_events_ends_at", "ck_events_doors_open_at")
    create_index_online("ix_requests_created_at", "requests", "created_at")


def downgrade() -> None:
    op.drop_index("ix_requests_created_at", "requests")
