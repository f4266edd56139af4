"""The catalogue's tables."""

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID, ExcludeConstraint

from common.db.base import AMOUNT
from events.catalogue.status import EventStatus
from events.database import metadata

_STATUSES: Final = ", ".join(f"'{status}'" for status in EventStatus)

events: Final = Table(
    "events",
    metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("venue_id", UUID(as_uuid=True), ForeignKey("venues.venue_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("hall_id", Text, nullable=False),
    # An event of a release that did not refuse it: another event has the hall at the same time.
    Column("shares_hall", Boolean, nullable=False, server_default=false()),
    Column("event_date", DateTime(timezone=True), nullable=False),
    # The trigger `set_event_end` sets it to 4 hours after event_date if an insert omits it.
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("doors_open_at", DateTime(timezone=True)),  # null in events of the release before; read as 2 hours before
    Column("total_seats", Integer, nullable=False),
    Column("layout", JSONB, nullable=False),
    # T10: a ticket is resold for at most this share of its face value.
    Column("resale_cap_percent", Integer, nullable=False, server_default=text("120")),
    # T7: a fan may refund until this many hours before the event begins.
    Column("refund_deadline_hours", Integer, nullable=False, server_default=text("24")),
    Column("description", Text, nullable=False, server_default=""),
    Column("sale_starts_at", DateTime(timezone=True)),  # at once if null
    # T7: the date has moved, so a fan may refund until then, whatever the deadline.
    Column("refundable_until", DateTime(timezone=True)),
    Column("organiser_user_id", UUID(as_uuid=True)),
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts the edits
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("published_at", DateTime(timezone=True)),
    Column("cancelled_at", DateTime(timezone=True)),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    # T15. DRAFT looks for an overlap first; this refuses the second of two concurrent drafts.
    ExcludeConstraint(
        (text("text_range(venue_id::text || hall_id, venue_id::text || hall_id, '[]')"), "&&"),
        (text("tstzrange(event_date, ends_at)"), "&&"),
        where=text("status <> 'CANCELLED' AND NOT shares_hall"),
        name="ex_events_hall",
    ),
    CheckConstraint("ends_at > event_date", name="ends_at"),
    CheckConstraint("doors_open_at <= event_date", name="doors_open_at"),
    CheckConstraint("total_seats >= 1", name="total_seats"),
    CheckConstraint("status <> 'PUBLISHED' OR published_at IS NOT NULL", name="published_at"),
    CheckConstraint("(status = 'CANCELLED') = (cancelled_at IS NOT NULL)", name="cancelled_at"),
    CheckConstraint("resale_cap_percent BETWEEN 0 AND 1000", name="resale_cap_percent"),
    CheckConstraint("refund_deadline_hours BETWEEN 0 AND 8760", name="refund_deadline_hours"),
    # The public list, in its order. A search scans its names by ILIKE: a catalogue has thousands of rows, not
    # millions, and the trigram extension is not part of every PostgreSQL.
    Index("ix_events_published", "event_date", "event_id", postgresql_where=text("status = 'PUBLISHED'")),
    Index("ix_events_venue", "venue_id"),
)

pricing_tiers: Final = Table(
    "pricing_tiers",
    metadata,
    Column("event_id", UUID(as_uuid=True), ForeignKey("events.event_id", ondelete="CASCADE"), primary_key=True),
    Column("category", Text, primary_key=True),
    Column("price", AMOUNT, nullable=False),
    CheckConstraint("price >= 0", name="price"),
)
