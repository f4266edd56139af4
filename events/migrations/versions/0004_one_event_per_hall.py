"""The names of a venue's halls, and at most one event in a hall at a time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A GiST index compares ranges, but not text without the extension btree_gist, which is not part of every PostgreSQL.
TEXT_RANGE = """CREATE TYPE text_range AS RANGE (subtype = text, collation = "C")"""
NAME_HALLS = """
    UPDATE venues SET halls = ARRAY(
        SELECT DISTINCT hall_id FROM events WHERE events.venue_id = venues.venue_id ORDER BY hall_id)
"""
MARK_SHARED = """
    UPDATE events SET shares_hall = true
    WHERE status <> 'CANCELLED' AND EXISTS (
        SELECT FROM events AS other
        WHERE other.venue_id = events.venue_id AND other.hall_id = events.hall_id
            AND other.event_id <> events.event_id AND other.status <> 'CANCELLED'
            AND tstzrange(other.event_date, other.ends_at) && tstzrange(events.event_date, events.ends_at))
"""
ONE_EVENT_PER_HALL = """
    ALTER TABLE events ADD CONSTRAINT ex_events_hall EXCLUDE USING gist (
        text_range(venue_id::text || hall_id, venue_id::text || hall_id, '[]') WITH &&,
        tstzrange(event_date, ends_at) WITH &&)
    WHERE (status <> 'CANCELLED' AND NOT shares_hall)
"""


def upgrade() -> None:
    op.add_column(
        "venues", sa.Column("halls", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'"))
    )
    op.execute(NAME_HALLS)
    op.add_column("events", sa.Column("shares_hall", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(MARK_SHARED)
    op.execute(TEXT_RANGE)
    op.execute(ONE_EVENT_PER_HALL)


def downgrade() -> None:
    op.drop_constraint("ex_events_hall", "events")
    op.execute("DROP TYPE text_range")
    op.drop_column("events", "shares_hall")
    op.drop_column("venues", "halls")
