"""The tables of ticket orders. Triggers that guard the status machine are in the first migration."""

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
from orders.ticket_orders.status import OrderStatus

__all__ = ["order_history", "order_seats", "orders"]

_STATUSES: Final = ", ".join(f"'{status}'" for status in OrderStatus)

orders: Final = Table(
    "orders",
    metadata,
    Column("order_id", UUID(as_uuid=True), primary_key=True),
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("total", AMOUNT, nullable=False),
    Column("held_until", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text),
    # The request of the refund that is under way, or was made. Until it is abandoned no ticket can be disputed.
    Column("refund_begun_by", UUID(as_uuid=True)),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    CheckConstraint("total >= 0", name="total"),
    CheckConstraint("(status IN ('CONFIRMED', 'REFUNDED')) = (confirmed_at IS NOT NULL)", name="confirmed_at"),
    CheckConstraint("(status IN ('FAILED', 'CANCELLED', 'REFUNDED')) = (ended_at IS NOT NULL)", name="ended_at"),
    # One's own orders, newest first; the id settles orders of the same instant.
    Index("ix_orders_user_newest", "user_id", text("created_at DESC"), text("order_id DESC")),
    # An event's orders of one status, oldest first, for who works them off; and how many there are of each.
    Index("ix_orders_event_oldest", "event_id", "status", "created_at", "order_id"),
)

order_seats: Final = Table(
    "order_seats",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.order_id"), primary_key=True),
    Column("seat_id", UUID(as_uuid=True), primary_key=True),
    Column("category", Text, nullable=False),
    Column("row_number", Text, nullable=False),
    Column("seat_number", Integer, nullable=False),
    Column("price", AMOUNT, nullable=False),
    CheckConstraint("price >= 0", name="price"),
    Index("ix_order_seats_seat", "seat_id"),
)

order_history: Final = Table(
    "order_history",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.order_id"), primary_key=True),
    Column("history_id", BigInteger, Identity(always=True), primary_key=True),
    Column("from_status", Text),  # NULL for the opening
    Column("to_status", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("reason", Text),
)
