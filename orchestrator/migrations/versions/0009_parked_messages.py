"""Messages that no consumer could handle, kept for an admin."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

ID = postgresql.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "parked_messages",
        sa.Column("parked_id", ID, primary_key=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'parked'")),
        sa.Column("parked_at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
        sa.Column("settled_by", ID),
        sa.CheckConstraint(
            "status IN ('parked', 'replayed', 'discarded')", name=op.f("ck_parked_messages_status_known")
        ),
        sa.CheckConstraint(
            "(status = 'parked') = (settled_at IS NULL)", name=op.f("ck_parked_messages_settled_has_time")
        ),
    )
    op.create_index("ix_parked_messages_status", "parked_messages", ["status", "parked_at"])


def downgrade() -> None:
    op.drop_table("parked_messages")
