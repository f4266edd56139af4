"""The tables of ticket orders. The triggers that refuse other changes of status are in the first migration."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.shared.models import (
    created_at,
    history_columns,
    id_column,
    newest_index,
    oldest_index,
    place_columns,
    status_check,
    time_column,
)
from orders.ticket_orders.status import OrderStatus

orders: Final = Table(
    "orders",
    metadata,
    Column("order_id", UUID(as_uuid=True), primary_key=True),
    id_column("user_id"),
    id_column("event_id"),
    Column("status", Text, nullable=False),
    Column("total", AMOUNT, nullable=False),
    time_column("held_until", nullable=False),
    created_at(),
    time_column("confirmed_at"),
    time_column("ended_at"),
    Column("reason", Text),
    # The request of the whole order's refund, in progress or made. Until it is abandoned, no ticket of the order can be
    # disputed. A refund of single seats is noted at these.
    id_column("refund_begun_by", nullable=True),
    status_check(OrderStatus),
    CheckConstraint("total >= 0", name="total"),
    CheckConstraint("(status IN ('CONFIRMED', 'REFUNDED')) = (confirmed_at IS NOT NULL)", name="confirmed_at"),
    CheckConstraint("(status IN ('FAILED', 'CANCELLED', 'REFUNDED')) = (ended_at IS NOT NULL)", name="ended_at"),
    newest_index("ix_orders_user_newest", "user_id", key="order_id"),
    newest_index("ix_orders_newest", key="order_id"),
    newest_index("ix_orders_status_newest", "status", key="order_id"),
    oldest_index("ix_orders_event_oldest", key="order_id"),
)

order_seats: Final = Table(
    "order_seats",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.order_id"), primary_key=True),
    Column("seat_id", UUID(as_uuid=True), primary_key=True),
    *place_columns(),
    Column("price", AMOUNT, nullable=False),
    id_column("refund_begun_by", nullable=True),
    time_column("refunded_at"),  # NULL if the whole order was refunded at once
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("refunded_at IS NULL OR refund_begun_by IS NOT NULL", name="refunded_at"),
    Index("ix_order_seats_seat", "seat_id"),
)

order_history: Final = Table(
    "order_history",
    metadata,
    *history_columns("order_id", table="orders"),
    Column("reason", Text),
)
