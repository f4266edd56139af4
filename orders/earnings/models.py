"""The tables of earnings."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.shared.models import id_column, time_column

earnings: Final = Table(
    "earnings",
    metadata,
    Column("item_id", UUID(as_uuid=True), primary_key=True),
    id_column("performer_id"),
    id_column("offer_id"),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("amount", AMOUNT, nullable=False),
    Column("day", Date, nullable=False),  # in the performer's time zone
    Column("time_zone", Text, nullable=False),
    time_column("at", nullable=False),
    CheckConstraint("amount >= 0", name="amount"),
    Index("ix_earnings_performer_newest", "performer_id", text("at DESC"), text("item_id DESC")),
)

# What a performer earned on a day with one offer: a tip grid item, a menu item, or subscriptions.
earnings_by_day: Final = Table(
    "earnings_by_day",
    metadata,
    Column("performer_id", UUID(as_uuid=True), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("offer_id", UUID(as_uuid=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("amount", AMOUNT, nullable=False),
)
