"""At most one row of a name in each hall; what the limits of a holder are counted from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = UUID(as_uuid=True)

# A volatile function sees what was committed while it waited for the lock; the statement that calls it does not. So of
# one user's concurrent reservations, each counts the seats of those before it. No seat is locked.
HOLDER_STATE = """
    CREATE FUNCTION holder_state(
        holder uuid, at_event uuid, lapses integer, lapse_window interval, cooldown interval)
    RETURNS TABLE (held_of_event integer, held_in_all integer, cooling_until timestamptz)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(holder::text, 0));
        SELECT count(*) FILTER (WHERE seats.event_id = at_event), count(*) INTO held_of_event, held_in_all
        FROM seats WHERE seats.held_by_user_id = holder AND seats.held_until > clock_timestamp();
        SELECT max(latest.ended_at) + cooldown INTO cooling_until
        FROM (
            SELECT lapsed_holds.ended_at FROM lapsed_holds
            WHERE lapsed_holds.user_id = holder AND lapsed_holds.event_id = at_event
            ORDER BY lapsed_holds.ended_at DESC LIMIT lapses) AS latest
        HAVING count(*) = lapses AND max(latest.ended_at) - min(latest.ended_at) <= lapse_window
            AND max(latest.ended_at) + cooldown > clock_timestamp();
        RETURN NEXT;
    END $$
"""


def upgrade() -> None:
    op.add_column("seat_rows", sa.Column("is_label_unique", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "lapsed_holds",
        sa.Column("hold_id", ID, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_lapsed_holds_user", "lapsed_holds", ["user_id", "event_id", "ended_at"])
    op.create_index("ix_lapsed_holds_ended_at", "lapsed_holds", ["ended_at"])
    op.execute(HOLDER_STATE)


def downgrade() -> None:
    op.execute("DROP FUNCTION holder_state")
    op.drop_table("lapsed_holds")
    op.drop_column("seat_rows", "is_label_unique")
