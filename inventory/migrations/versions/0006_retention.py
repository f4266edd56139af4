"""What the previous revisions leave to be done while the older release writes: constraints, and the indexes.

Also those for the deletion of old requests, messages and scans that name no event, and for the list of these scans.
"""

from typing import Final

from alembic import op

from common.db.migrations import create_index_online, validate_online

revision = "0006"
down_revision = "0005"

# name, table, columns, condition
INDEXES: Final = (
    ("ix_seats_holder", "seats", "held_by_user_id", "held_by_user_id IS NOT NULL"),
    ("ix_seats_checked_in", "seats", "event_id", "status = 'CHECKED_IN'"),
    ("ix_requests_created_at", "requests", "created_at", None),
    ("ix_inbox_received_at", "inbox", "received_at", None),
    ("ix_entry_logs_unknown", "entry_logs", "logged_at, scan_id", "event_id IS NULL"),
)


def upgrade() -> None:
    validate_online("entry_logs", "ck_entry_logs_result", "ck_entry_logs_reason")
    create_index_online(
        "ix_seat_rows_label", "seat_rows", "event_id, row_number", where="is_label_unique", is_unique=True
    )
    for name, table, columns, where in INDEXES:
        create_index_online(name, table, columns, where=where)


def downgrade() -> None:
    op.drop_index("ix_seat_rows_label", "seat_rows")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
