"""Inbound webhooks, each stored once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

ID = postgresql.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_log",
        sa.Column("webhook_id", ID, primary_key=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'received'")),
        sa.Column("outcome", sa.Text()),
        sa.Column("payment_id", ID),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("replays", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("error", postgresql.JSONB()),
        sa.Column("received_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("processed_at", TIME),
        sa.UniqueConstraint("provider", "external_id", name="uq_webhook_log_provider_external_id"),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'processed', 'ignored', 'failed', 'unmatched')",
            name=op.f("ck_webhook_log_status_known"),
        ),
    )
    op.create_index("ix_webhook_log_received_at", "webhook_log", ["received_at"])
    op.create_index("ix_webhook_log_status", "webhook_log", ["status", "received_at"])


def downgrade() -> None:
    op.drop_table("webhook_log")
