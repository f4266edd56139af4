"""Indexes for the deletion of old rows, and for admins' lists by state, kind, provider and status."""

from typing import Final

from alembic import op

from common.db.migrations import create_index_online

revision = "0012"
down_revision = "0011"

# name, table, columns, condition
INDEXES: Final = (
    ("ix_inbox_received_at", "inbox", "received_at", None),
    ("ix_sagas_unwound", "sagas", "created_at", "state = 'UNWOUND'"),
    ("ix_jobs_kind", "jobs", "kind, created_at", None),
    ("ix_jobs_failed", "jobs", "created_at", "status = 'failed'"),
    ("ix_webhook_log_provider", "webhook_log", "provider, received_at", None),
    ("ix_webhook_deliveries_undelivered", "webhook_deliveries", "subscription_id, created_at", "status <> 'DELIVERED'"),
    ("ix_parked_messages_parked_at", "parked_messages", "parked_at", None),
    ("ix_parked_messages_settled_at", "parked_messages", "settled_at", "settled_at IS NOT NULL"),
)


def upgrade() -> None:
    for name, table, columns, where in INDEXES:
        create_index_online(name, table, columns, where=where)


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
