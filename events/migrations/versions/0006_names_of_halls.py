"""Which names of a venue's halls came from events, and whether its number of halls was ever checked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A volatile function sees what was committed while its statement waited for the venue; the statement itself does not.
IS_HALL_USED = """
    CREATE FUNCTION is_hall_used(at_venue_id uuid, hall_name text, except_event_id uuid)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        RETURN EXISTS (SELECT FROM events
                       WHERE events.venue_id = at_venue_id AND events.hall_id = hall_name
                         AND events.event_id <> except_event_id AND events.status <> 'CANCELLED');
    END $$
"""


def upgrade() -> None:
    op.add_column(
        "venues", sa.Column("halls_of_events", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    # False for venues of the previous release, also for those that it adds until its processes have stopped.
    op.add_column("venues", sa.Column("limits_halls", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE venues SET halls_of_events = halls, total_halls = greatest(total_halls, cardinality(halls))")
    op.execute(IS_HALL_USED)


def downgrade() -> None:
    op.execute("DROP FUNCTION is_hall_used")
    op.drop_column("venues", "limits_halls")
    op.drop_column("venues", "halls_of_events")
