"""The tables of seats_db. The hot statements are in the repository; these serve migrations and tests."""

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT, new_metadata
from common.db.idempotency import requests_table
from common.messaging.inbox import inbox_table
from common.messaging.outbox import outbox_table

MAX_RUN: Final = 10
"""A hold has at most 10 seats (T2), so longer runs of free seats are not distinguished."""

metadata: Final = new_metadata()
requests_table(metadata)
inbox_table(metadata)
outbox_table(metadata)

seats: Final = Table(
    "seats",
    metadata,
    Column("seat_id", UUID(as_uuid=True), primary_key=True),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("category", Text, nullable=False),
    Column("row_number", Text, nullable=False),
    Column("row_rank", Integer, nullable=False),  # rows of an event from the best to the worst, from 1
    Column("seat_number", Integer, nullable=False),
    Column("hall_position", Integer, nullable=False),  # seats of an event in hall order, from 1; pages use it
    Column("price", AMOUNT, nullable=False),
    Column("status", Text, nullable=False, server_default="AVAILABLE"),
    # The seat's hold; once sold, the hold it was sold from, which is also the order's id.
    Column("hold_id", UUID(as_uuid=True)),
    Column("held_by_user_id", UUID(as_uuid=True)),
    Column("held_until", DateTime(timezone=True)),
    Column("hold_size", SmallInteger),  # how many seats the hold took, so that a part of one is never sold
    Column("owner_user_id", UUID(as_uuid=True)),
    Column("price_paid", AMOUNT),
    Column("purchased_at", DateTime(timezone=True)),
    Column("admitted_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default="0"),
    # NULL in seats from before they were stored; the trigger `note_seat_update` sets `updated_at`.
    Column("created_at", DateTime(timezone=True), server_default=func.now()),
    Column("updated_at", DateTime(timezone=True)),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("seat_number > 0", name="seat_number"),
    CheckConstraint(
        "CASE"
        " WHEN status IN ('AVAILABLE', 'BLOCKED') THEN num_nonnulls(hold_id, held_by_user_id, held_until, hold_size,"
        " owner_user_id, price_paid, purchased_at) = 0"
        " WHEN status = 'HELD' THEN num_nulls(hold_id, held_by_user_id, held_until, hold_size) = 0"
        " AND num_nonnulls(owner_user_id, price_paid, purchased_at) = 0"
        " WHEN status IN ('SOLD', 'LISTED', 'CHECKED_IN') THEN"
        " num_nulls(hold_id, owner_user_id, price_paid, purchased_at) = 0"
        " AND num_nonnulls(held_by_user_id, held_until, hold_size) = 0"
        " ELSE false END",
        name="state",
    ),
    CheckConstraint("(status = 'CHECKED_IN') = (admitted_at IS NOT NULL)", name="admitted_at"),
    # No two indexes have the same order: a plan made when a category was nearly full or empty cannot use the wrong one
    # and read the whole hall.
    Index("ix_seats_hall_position", "event_id", "hall_position", unique=True),
    Index(
        "ix_seats_available",
        "event_id",
        "category",
        "row_rank",
        "seat_number",
        postgresql_where=text("status = 'AVAILABLE'"),
    ),
    Index("ix_seats_hold", "hold_id", postgresql_where=text("hold_id IS NOT NULL")),
    Index("ix_seats_holder", "held_by_user_id", postgresql_where=text("held_by_user_id IS NOT NULL")),
    # Not "status = 'HELD'": a search by hold_id has that condition too, and must not scan all holds by this index.
    Index("ix_seats_held_until", "held_until", "hold_id", postgresql_where=text("held_until IS NOT NULL")),
    Index(
        "ix_seats_owner",
        "owner_user_id",
        text("purchased_at DESC"),
        "seat_id",
        postgresql_where=text("owner_user_id IS NOT NULL"),
    ),
    # For the number of seats whose owners are inside.
    Index("ix_seats_checked_in", "event_id", postgresql_where=text("status = 'CHECKED_IN'")),
    # Hall order again, but of owned seats only, so that listing few attendees does not read the whole hall.
    Index("ix_seats_attendees", "event_id", "hall_position", postgresql_where=text("owner_user_id IS NOT NULL")),
    # The fill factor stays at 100: every change of a seat changes an index, so in-place updates are impossible
    # (measured: half as many pages more, and purchases no faster).
)

seat_rows: Final = Table(
    "seat_rows",
    metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("row_rank", Integer, primary_key=True),
    Column("category", Text, nullable=False),
    Column("rank_in_category", Integer, nullable=False),  # rows of a category from the best to the worst, from 1
    Column("row_number", Text, nullable=False),
    Column("is_general_admission", Boolean, nullable=False),
    # The upper bound of the row's longest run of adjacent free seats. See docs/locking.md.
    Column("free_run", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),  # incremented whenever a seat of the row is freed
    # False in halls of a release that allowed two rows of one name.
    Column("is_label_unique", Boolean, nullable=False, server_default=false()),
    CheckConstraint(f"free_run BETWEEN 0 AND {MAX_RUN}", name="free_run"),
    # T15. Seats of a row are numbered from 1, so a row's name makes their labels unique; the table is small.
    Index("ix_seat_rows_label", "event_id", "row_number", unique=True, postgresql_where=text("is_label_unique")),
    Index("ix_seat_rows_promising", "event_id", "category", "free_run", "rank_in_category"),
)


def _status_counts() -> list[Column[int]]:
    return [Column(name, Integer, nullable=False) for name in ("available", "held", "sold", "blocked")]


seat_counts: Final = Table(
    "seat_counts",
    metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("category", Text, primary_key=True),
    Column("category_rank", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    *_status_counts(),
    CheckConstraint("total = available + held + sold + blocked", name="total"),
)

# Changes not yet added to the counts. Every change inserts a row, so that no count becomes a hot row.
seat_count_changes: Final = Table(
    "seat_count_changes",
    metadata,
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("category", Text, nullable=False),
    *_status_counts(),
    CheckConstraint("available + held + sold + blocked = 0", name="balance"),
    Index("ix_seat_count_changes_event", "event_id"),
)

# Events whose sale has ended permanently. Every sale reads this without a lock.
closed_events: Final = Table(
    "closed_events",
    metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("closed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

# T2. Holds that expired or that their holder cancelled, kept while a limit counts them (`lapses_retention`). The function
# `holder_state` reads them, and the held seats, for the limits of a holder.
lapsed_holds: Final = Table(
    "lapsed_holds",
    metadata,
    Column("hold_id", UUID(as_uuid=True), primary_key=True),
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Index("ix_lapsed_holds_user", "user_id", "event_id", "ended_at"),
    Index("ix_lapsed_holds_ended_at", "ended_at"),
)

# Every scan, admitted or not, and every undo of an admission.
entry_logs: Final = Table(
    "entry_logs",
    metadata,
    Column("scan_id", UUID(as_uuid=True), primary_key=True),  # the request's id, so that no scan is logged twice
    Column("event_id", UUID(as_uuid=True)),
    Column("seat_id", UUID(as_uuid=True)),
    Column("staff_user_id", UUID(as_uuid=True), nullable=False),
    Column("ticket_user_id", UUID(as_uuid=True)),
    Column("hall_presented", Text, nullable=False),
    Column("hall_expected", Text),
    Column("result", Text, nullable=False),
    Column("scanned_at", DateTime(timezone=True)),  # by the scanner's clock
    Column("logged_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text),  # of an undo
    CheckConstraint(
        "result IN ('SUCCESS', 'DUPLICATE', 'UNPAID', 'NOT_FOUND', 'WRONG_HALL', 'EXPIRED', 'NOT_OWNER', 'QR_INVALID',"
        " 'WRONG_EVENT', 'UNDONE')",
        name="result",
    ),
    CheckConstraint("(result = 'UNDONE') = (reason IS NOT NULL)", name="reason"),
    Index("ix_entry_logs_event", "event_id", "logged_at", "scan_id", postgresql_include=["result"]),
    # A condition on NULL gives no order, so the index above would be sorted.
    Index("ix_entry_logs_unknown", "logged_at", "scan_id", postgresql_where=text("event_id IS NULL")),
)
