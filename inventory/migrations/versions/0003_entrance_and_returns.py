"""Check-ins with their log, events whose sale has ended, and the order in which attendees are read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)

# Until now staff admitted fans without a scan, so the time is unknown.
DATE_ADMISSIONS = "UPDATE seats SET admitted_at = purchased_at WHERE status = 'CHECKED_IN'"
ADMITTED = "(status = 'CHECKED_IN') = (admitted_at IS NOT NULL)"
RESULT = "result IN ('SUCCESS', 'DUPLICATE', 'UNPAID', 'NOT_FOUND', 'WRONG_HALL', 'EXPIRED', 'NOT_OWNER', 'QR_INVALID')"


def upgrade() -> None:
    op.add_column("seats", sa.Column("admitted_at", INSTANT))
    op.execute(DATE_ADMISSIONS)
    op.create_check_constraint("admitted_at", "seats", ADMITTED)
    op.create_index(
        "ix_seats_attendees",
        "seats",
        ["event_id", "hall_position"],
        postgresql_where=sa.text("owner_user_id IS NOT NULL"),
    )
    op.create_table(
        "closed_events",
        sa.Column("event_id", ID, primary_key=True),
        sa.Column("closed_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
    )
    create_entry_logs()


def create_entry_logs() -> None:
    op.create_table(
        "entry_logs",
        sa.Column("scan_id", ID, primary_key=True),
        sa.Column("event_id", ID),
        sa.Column("seat_id", ID),
        sa.Column("staff_user_id", ID, nullable=False),
        sa.Column("ticket_user_id", ID),
        sa.Column("hall_presented", sa.Text(), nullable=False),
        sa.Column("hall_expected", sa.Text()),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("scanned_at", INSTANT),
        sa.Column("logged_at", INSTANT, nullable=False),
        sa.CheckConstraint(RESULT, name="result"),
    )
    op.create_index(
        "ix_entry_logs_event", "entry_logs", ["event_id", "logged_at", "scan_id"], postgresql_include=["result"]
    )


def downgrade() -> None:
    op.drop_table("entry_logs")
    op.drop_table("closed_events")
    op.drop_index("ix_seats_attendees", "seats")
    op.drop_column("seats", "admitted_at")
