"""The tables of listings. The triggers that refuse other changes of status are in the second migration."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.listings.status import ListingStatus
from orders.shared.models import (
    completed_index,
    created_at,
    history_columns,
    id_column,
    newest_index,
    oldest_index,
    place_columns,
    status_check,
    time_column,
)

_SOLD: Final = "status IN ('PENDING_TRANSFER', 'COMPLETED')"

listings: Final = Table(
    "listings",
    metadata,
    Column("listing_id", UUID(as_uuid=True), primary_key=True),
    id_column("seat_id"),
    id_column("order_id"),
    id_column("event_id"),
    *place_columns(),
    Column("face_value", AMOUNT, nullable=False),
    Column("asking_price", AMOUNT, nullable=False),
    id_column("seller_user_id"),
    id_column("buyer_user_id", nullable=True),
    id_column("sale_id", nullable=True),
    Column("status", Text, nullable=False),
    id_column("moved_by_request_id"),
    id_column("owner_change_begun_by", nullable=True),
    created_at(),
    time_column("expires_at"),  # of the sale that waits for its approval
    time_column("completed_at"),
    time_column("ended_at"),
    status_check(ListingStatus),
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
    # Listings are kept for ever, and few are on the market.
    Index("ix_listings_on_market", "event_id", postgresql_where=text("status = 'ACTIVE'")),
    completed_index("ix_listings_ticket_completed"),
    newest_index("ix_listings_status_newest", "status", key="listing_id"),
    oldest_index("ix_listings_event_oldest", key="listing_id"),
    newest_index("ix_listings_seller_newest", "seller_user_id", key="listing_id"),
    newest_index("ix_listings_buyer_newest", "buyer_user_id", key="listing_id"),
)

listing_history: Final = Table(
    "listing_history",
    metadata,
    *history_columns("listing_id", table="listings", ondelete="CASCADE"),
    id_column("request_id"),
    id_column("user_id", nullable=True),  # the user who offered or claimed it
)
