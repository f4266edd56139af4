"""The tables of listings. Triggers that guard the status machine are in the second migration."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.listings.status import ListingStatus

__all__ = ["listing_history", "listings"]

_STATUSES: Final = ", ".join(f"'{status}'" for status in ListingStatus)
_SOLD: Final = "status IN ('PENDING_TRANSFER', 'COMPLETED')"

listings: Final = Table(
    "listings",
    metadata,
    Column("listing_id", UUID(as_uuid=True), primary_key=True),
    Column("seat_id", UUID(as_uuid=True), nullable=False),
    Column("order_id", UUID(as_uuid=True), nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("category", Text, nullable=False),
    Column("row_number", Text, nullable=False),
    Column("seat_number", Integer, nullable=False),
    Column("face_value", AMOUNT, nullable=False),
    Column("asking_price", AMOUNT, nullable=False),
    Column("seller_user_id", UUID(as_uuid=True), nullable=False),
    Column("buyer_user_id", UUID(as_uuid=True)),
    Column("sale_id", UUID(as_uuid=True)),
    Column("status", Text, nullable=False),
    Column("moved_by_request_id", UUID(as_uuid=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),  # of the sale that waits for its approval
    Column("completed_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    CheckConstraint("face_value >= 0 AND asking_price >= 0", name="prices"),
    CheckConstraint("seller_user_id <> buyer_user_id", name="two_people"),
    CheckConstraint(f"({_SOLD}) = (buyer_user_id IS NOT NULL)", name="buyer_user_id"),
    CheckConstraint(f"({_SOLD}) = (sale_id IS NOT NULL)", name="sale_id"),
    CheckConstraint(f"({_SOLD}) = (expires_at IS NOT NULL)", name="expires_at"),
    CheckConstraint("(status = 'COMPLETED') = (completed_at IS NOT NULL)", name="completed_at"),
    CheckConstraint("(status = 'CANCELLED') = (ended_at IS NOT NULL)", name="ended_at"),
    Index(
        "uq_listings_seat_open",
        "seat_id",
        unique=True,
        postgresql_where=text("status IN ('OPENING', 'ACTIVE', 'PENDING_TRANSFER', 'WITHDRAWING')"),
    ),
    Index("ix_listings_status_newest", "status", text("created_at DESC"), text("listing_id DESC")),
    Index("ix_listings_event_oldest", "event_id", "status", "created_at", "listing_id"),
    Index("ix_listings_seller_newest", "seller_user_id", text("created_at DESC"), text("listing_id DESC")),
    Index("ix_listings_buyer_newest", "buyer_user_id", text("created_at DESC"), text("listing_id DESC")),
)

listing_history: Final = Table(
    "listing_history",
    metadata,
    Column("listing_id", UUID(as_uuid=True), ForeignKey("listings.listing_id", ondelete="CASCADE"), primary_key=True),
    Column("history_id", BigInteger, Identity(always=True), primary_key=True),
    Column("from_status", Text),  # NULL for the opening
    Column("to_status", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("request_id", UUID(as_uuid=True), nullable=False),
    Column("user_id", UUID(as_uuid=True)),  # who offered or claimed it
)
