"""When an event's doors open and when it ends."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Until every process of the previous release has stopped, events are inserted without their end.
SET_END = """
    CREATE FUNCTION set_event_end() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.ends_at := coalesce(NEW.ends_at, NEW.event_date + interval '4 hours');
        RETURN NEW;
    END $$
"""
TRIGGER = "CREATE TRIGGER set_event_end BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION set_event_end()"


def upgrade() -> None:
    op.add_column("events", sa.Column("ends_at", sa.DateTime(timezone=True)))
    op.add_column("events", sa.Column("doors_open_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE events SET ends_at = event_date + interval '4 hours'")
    op.alter_column("events", "ends_at", nullable=False)
    op.execute(SET_END)
    op.execute(TRIGGER)
    for name, condition in (("ends_at", "ends_at > event_date"), ("doors_open_at", "doors_open_at <= event_date")):
        op.create_check_constraint(op.f(f"ck_events_{name}"), "events", condition, postgresql_not_valid=True)


def downgrade() -> None:
    op.execute("DROP TRIGGER set_event_end ON events")
    op.execute("DROP FUNCTION set_event_end()")
    op.drop_column("events", "doors_open_at")
    op.drop_column("events", "ends_at")
