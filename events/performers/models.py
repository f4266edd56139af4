"""The table of performers. The primary key is the id of the performer's user."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Table, Text, false, func, text, true
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from common.time_zones import DEFAULT_TIME_ZONE
from events.database import metadata

performers: Final = Table(
    "performers",
    metadata,
    Column("performer_id", UUID(as_uuid=True), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("bio", Text, nullable=False, server_default=""),
    Column("image_url", Text),
    Column("time_zone", Text, nullable=False, server_default=DEFAULT_TIME_ZONE),  # of the IANA database
    Column("subscription_price", AMOUNT),  # of 30 days; null: no subscriptions are sold
    Column("settlement", Text, nullable=False, server_default="INSTANT"),
    Column("device_uid", Text),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("is_blocked", Boolean, nullable=False, server_default=false()),  # an admin has deactivated it
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("subscription_price > 0", name="subscription_price"),
    CheckConstraint("settlement IN ('INSTANT', 'BATCHED')", name="settlement"),
    # An item of one performer never drives another's device.
    Index("uq_performers_device", "device_uid", unique=True, postgresql_where=text("device_uid IS NOT NULL")),
    Index("ix_performers_active_name", "display_name", "performer_id", postgresql_where=text("is_active")),
)
