"""Venues, events and their pricing tiers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_venues()
    _create_events()
    op.create_table(
        "requests",
        sa.Column("request_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def _create_venues() -> None:
    op.create_table(
        "venues",
        sa.Column(
            "venue_id", postgresql.UUID(as_uuid=True), primary_key=True, server_default=sa.func.gen_random_uuid()
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("total_halls", sa.Integer(), nullable=False),
        sa.Column("introduced_by_event_id", postgresql.UUID(as_uuid=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("total_halls >= 1", name="total_halls"),
    )
    op.create_index("ix_venues_name", "venues", ["name", "venue_id"])


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("event_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("venue_id", postgresql.UUID(as_uuid=True), sa.ForeignKey("venues.venue_id"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("hall_id", sa.Text(), nullable=False),
        sa.Column("event_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_seats", sa.Integer(), nullable=False),
        sa.Column("layout", postgresql.JSONB(), nullable=False),
        sa.Column("resale_cap_percent", sa.Integer(), nullable=False, server_default=sa.text("120")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("status IN ('DRAFT', 'PUBLISHED', 'CANCELLED')", name="status"),
        sa.CheckConstraint("total_seats >= 1", name="total_seats"),
        sa.CheckConstraint("status <> 'PUBLISHED' OR published_at IS NOT NULL", name="published_at"),
    )
    published = sa.text("status = 'PUBLISHED'")
    op.create_index("ix_events_published", "events", ["event_date", "event_id"], postgresql_where=published)
    op.create_index("ix_events_venue", "events", ["venue_id"])
    event_id = sa.ForeignKey("events.event_id", ondelete="CASCADE")
    op.create_table(
        "pricing_tiers",
        sa.Column("event_id", postgresql.UUID(as_uuid=True), event_id, primary_key=True),
        sa.Column("category", sa.Text(), primary_key=True),
        sa.Column("price", sa.Numeric(14, 2), nullable=False),
        sa.CheckConstraint("price >= 0", name="price"),
    )


def downgrade() -> None:
    for table in ("pricing_tiers", "events", "venues", "requests"):
        op.drop_table(table)
