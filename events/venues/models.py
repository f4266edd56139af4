"""The table of venues."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, false, func, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from common.time_zones import DEFAULT_TIME_ZONE
from events.database import metadata

venues: Final = Table(
    "venues",
    metadata,
    Column("venue_id", UUID(as_uuid=True), primary_key=True, server_default=func.gen_random_uuid()),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("time_zone", Text, nullable=False, server_default=DEFAULT_TIME_ZONE),  # of the IANA database
    Column("total_halls", Integer, nullable=False),
    # The names that are known so far. Until there are `total_halls`, an event in a new hall adds its name.
    Column("halls", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Those of them that an event added; the last event in such a hall, if it is discarded or cancelled, removes the name.
    Column("halls_of_events", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # False in venues of a release that did not check `total_halls`: it grows with the names.
    Column("limits_halls", Boolean, nullable=False, server_default=false()),
    # The event whose draft added the venue; the undo of that draft deletes it.
    Column("introduced_by_event_id", UUID(as_uuid=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("total_halls >= 1", name="total_halls"),
    Index("ix_venues_name", "name", "venue_id"),
)
