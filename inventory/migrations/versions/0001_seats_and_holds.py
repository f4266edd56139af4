"""Seats with their states, rows and counts; stored requests, inbox and outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AMOUNT = sa.Numeric(14, 2)
INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)

STATE = """
    CASE
    WHEN status IN ('AVAILABLE', 'BLOCKED') THEN
        num_nonnulls(hold_id, held_by_user_id, held_until, hold_size, owner_user_id, price_paid, purchased_at) = 0
    WHEN status = 'HELD' THEN
        num_nulls(hold_id, held_by_user_id, held_until, hold_size) = 0
        AND num_nonnulls(owner_user_id, price_paid, purchased_at) = 0
    WHEN status IN ('SOLD', 'LISTED', 'CHECKED_IN') THEN
        num_nulls(hold_id, owner_user_id, price_paid, purchased_at) = 0
        AND num_nonnulls(held_by_user_id, held_until, hold_size) = 0
    ELSE false END
"""


def upgrade() -> None:
    create_seats()
    create_seat_indexes()
    create_rows()
    create_counts()
    create_requests()
    create_messages()


def create_seats() -> None:
    op.create_table(
        "seats",
        sa.Column("seat_id", ID, primary_key=True),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Text(), nullable=False),
        sa.Column("row_rank", sa.Integer(), nullable=False),
        sa.Column("seat_number", sa.Integer(), nullable=False),
        sa.Column("price", AMOUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default="AVAILABLE"),
        sa.Column("hold_id", ID),
        sa.Column("held_by_user_id", ID),
        sa.Column("held_until", INSTANT),
        sa.Column("hold_size", sa.SmallInteger()),
        sa.Column("owner_user_id", ID),
        sa.Column("price_paid", AMOUNT),
        sa.Column("purchased_at", INSTANT),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("price >= 0", name="price"),
        sa.CheckConstraint("seat_number > 0", name="seat_number"),
        sa.CheckConstraint(STATE, name="state"),
    )


def create_seat_indexes() -> None:
    op.create_index("ix_seats_hall_order", "seats", ["event_id", "row_rank", "seat_number"], unique=True)
    op.create_index(
        "ix_seats_available",
        "seats",
        ["event_id", "category", "row_rank", "seat_number"],
        postgresql_where=sa.text("status = 'AVAILABLE'"),
    )
    op.create_index("ix_seats_hold", "seats", ["hold_id"], postgresql_where=sa.text("hold_id IS NOT NULL"))
    op.create_index(
        "ix_seats_held_until", "seats", ["held_until", "hold_id"], postgresql_where=sa.text("held_until IS NOT NULL")
    )
    op.create_index(
        "ix_seats_owner",
        "seats",
        ["owner_user_id", sa.text("purchased_at DESC"), "seat_id"],
        postgresql_where=sa.text("owner_user_id IS NOT NULL"),
    )


def create_rows() -> None:
    op.create_table(
        "seat_rows",
        sa.Column("event_id", ID, primary_key=True),
        sa.Column("row_rank", sa.Integer(), primary_key=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Text(), nullable=False),
        sa.Column("is_general_admission", sa.Boolean(), nullable=False),
        sa.Column("free_run", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("free_run BETWEEN 0 AND 10", name="free_run"),
    )
    op.create_index("ix_seat_rows_promising", "seat_rows", ["event_id", "category", "free_run", "row_rank"])


def create_counts() -> None:
    op.create_table(
        "seat_counts",
        sa.Column("event_id", ID, primary_key=True),
        sa.Column("category", sa.Text(), primary_key=True),
        sa.Column("category_rank", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        *counts(),
        sa.CheckConstraint("total = available + held + sold + blocked", name="total"),
    )
    op.create_table(
        "seat_count_changes",
        sa.Column("event_id", ID, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        *counts(),
        sa.CheckConstraint("available + held + sold + blocked = 0", name="balance"),
    )
    op.create_index("ix_seat_count_changes_event", "seat_count_changes", ["event_id"])


def counts() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in ("available", "held", "sold", "blocked")]


def create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("request_id", ID, primary_key=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("result", JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
    )


def create_messages() -> None:
    op.create_table(
        "inbox",
        sa.Column("message_id", ID, primary_key=True),
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("received_at", INSTANT, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "outbox",
        sa.Column("message_id", ID, primary_key=True),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("sent_at", INSTANT),
    )
    op.create_index("ix_outbox_unsent", "outbox", ["created_at"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"], postgresql_where=sa.text("sent_at IS NOT NULL"))


def downgrade() -> None:
    for table in ("outbox", "inbox", "requests", "seat_count_changes", "seat_counts", "seat_rows", "seats"):
        op.drop_table(table)
