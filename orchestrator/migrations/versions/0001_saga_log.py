"""The saga log with its idempotency keys and outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = postgresql.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_sagas()
    _create_idempotency_keys()
    _create_outbox()


def _create_sagas() -> None:
    op.create_table(
        "sagas",
        sa.Column("saga_id", ID, primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("requested_by", ID, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("error", postgresql.JSONB()),
        sa.Column("signal_key", sa.Text()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("retries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("due_at", TIME),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("updated_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_sagas_due_at", "sagas", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_sagas_created_at", "sagas", ["created_at"])
    op.create_index("ix_sagas_stuck", "sagas", ["updated_at"], postgresql_where=sa.text("state = 'STUCK'"))


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("requested_by", ID, nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("saga_id", ID, nullable=False),
        sa.Column("refusal", postgresql.JSONB()),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("requested_by", "operation", "key"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("message_id", ID, primary_key=True),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("sent_at", TIME),
    )
    op.create_index("ix_outbox_unsent", "outbox", ["created_at"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"], postgresql_where=sa.text("sent_at IS NOT NULL"))


def downgrade() -> None:
    for table in ("outbox", "idempotency_keys", "sagas"):
        op.drop_table(table)
