"""Subscriptions of fans to performers, performers' earnings, and the messages that the service has received."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0010"
down_revision = "0009"

ID = UUID(as_uuid=True)
INSTANT = sa.DateTime(timezone=True)
AMOUNT = sa.Numeric(14, 2)


def upgrade() -> None:
    create_inbox()
    create_subscriptions()
    create_earnings()


def create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("message_id", ID, primary_key=True),
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("received_at", INSTANT, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])


def create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("subscription_id", ID, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("performer_id", ID, nullable=False),
        sa.Column("price", AMOUNT, nullable=False),
        sa.Column("periods", sa.Integer(), nullable=False),
        sa.Column("renews", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("is_reminded", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("end_reason", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.CheckConstraint("price >= 0", name="price"),
        sa.CheckConstraint("periods > 0", name="periods"),
    )
    op.create_index("uq_subscriptions_user_performer", "subscriptions", ["user_id", "performer_id"], unique=True)
    op.create_index("ix_subscriptions_due", "subscriptions", ["ends_at"], postgresql_where=sa.text("renews"))
    op.create_index(
        "ix_subscriptions_to_remind",
        "subscriptions",
        ["ends_at"],
        postgresql_where=sa.text("renews AND NOT is_reminded"),
    )
    newest = [sa.text("created_at DESC"), sa.text("subscription_id DESC")]
    op.create_index("ix_subscriptions_user_newest", "subscriptions", ["user_id", *newest])
    op.create_index("ix_subscriptions_performer_newest", "subscriptions", ["performer_id", *newest])


def create_earnings() -> None:
    op.create_table(
        "earnings",
        sa.Column("item_id", ID, primary_key=True),
        sa.Column("performer_id", ID, nullable=False),
        sa.Column("offer_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("amount >= 0", name="amount"),
    )
    op.create_index(
        "ix_earnings_performer_newest", "earnings", ["performer_id", sa.text("at DESC"), sa.text("item_id DESC")]
    )
    op.create_table(
        "earnings_by_day",
        sa.Column("performer_id", ID, primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("offer_id", ID, primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
    )


def downgrade() -> None:
    for table in ("earnings_by_day", "earnings", "subscriptions", "inbox"):
        op.drop_table(table)
