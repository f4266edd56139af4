"""User feeds, and the ids of the messages that consumers have handled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

ID = postgresql.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("message_id", ID, primary_key=True),
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("received_at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "feed_heads",
        sa.Column("user_id", ID, primary_key=True),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "user_feed",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("message", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("user_id", "sequence"),
    )
    op.create_index("ix_user_feed_created_at", "user_feed", ["created_at"])


def downgrade() -> None:
    for table in ("user_feed", "feed_heads", "inbox"):
        op.drop_table(table)
