"""Indexes for the deletion of old requests, messages and scans that name no event, and for the list of these scans."""

from alembic import op

from common.db.migrations import create_index_online

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_index_online("ix_requests_created_at", "requests", "created_at")
    create_index_online("ix_inbox_received_at", "inbox", "received_at")
    create_index_online("ix_entry_logs_unknown", "entry_logs", "logged_at, scan_id", where="event_id IS NULL")


def downgrade() -> None:
    op.drop_index("ix_entry_logs_unknown", "entry_logs")
    op.drop_index("ix_inbox_received_at", "inbox")
    op.drop_index("ix_requests_created_at", "requests")
