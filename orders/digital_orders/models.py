"""The tables of digital orders.

The thirteenth migration has the triggers that refuse other changes of status, and the one that deletes the sealed codes of
an order that is REFUNDED or CANCELLED.
"""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.digital_orders.status import DigitalItemStatus, DigitalOrderStatus
from orders.shared.models import created_at, history_columns, id_column, newest_index, status_check, time_column

digital_orders: Final = Table(
    "digital_orders",
    metadata,
    Column("order_id", UUID(as_uuid=True), primary_key=True),
    id_column("buyer_user_id"),
    Column("total", AMOUNT, nullable=False),
    Column("pay_with", Text, nullable=False),
    Column("status", Text, nullable=False),
    time_column("status_at", nullable=False),
    Column("storage_ref", Text),  # the stored codes
    Column("failure_code", Text),
    Column("failure_message", Text, nullable=False, server_default=""),
    id_column("opened_by_request_id"),
    created_at(),
    time_column("paid_at"),
    time_column("ready_at"),
    time_column("downloaded_at"),
    time_column("keys_deleted_at"),
    time_column("ended_at"),
    status_check(DigitalOrderStatus),
    CheckConstraint("pay_with IN ('credits', 'crypto')", name="pay_with"),
    CheckConstraint("total >= 0", name="total"),
    CheckConstraint("(status IN ('OPENING', 'CREATED', 'CANCELLED')) = (paid_at IS NULL)", name="paid_at"),
    CheckConstraint("status NOT IN ('READY', 'FULFILLED') OR ready_at IS NOT NULL", name="ready_at"),
    CheckConstraint("storage_ref IS NULL OR (ready_at IS NOT NULL AND keys_deleted_at IS NULL)", name="storage_ref"),
    CheckConstraint(
        "status NOT IN ('READY', 'FULFILLED') OR storage_ref IS NOT NULL OR keys_deleted_at IS NOT NULL", name="codes"
    ),
    CheckConstraint("status <> 'FAILED' OR failure_code IS NOT NULL", name="failure_code"),
    CheckConstraint("(status IN ('FULFILLED', 'REFUNDED', 'CANCELLED')) = (ended_at IS NOT NULL)", name="ended_at"),
    # For the tasks that page through these orders by their id.
    *(
        Index(f"ix_digital_orders_{status.lower()}", "order_id", postgresql_where=text(f"status = '{status}'"))
        for status in ("PAID", "WAITING", "FAILED")
    ),
    Index("ix_digital_orders_downloaded", "downloaded_at", postgresql_where=text("storage_ref IS NOT NULL")),
    Index(
        "ix_digital_orders_refunded_codes",
        "order_id",
        postgresql_where=text("status = 'REFUNDED' AND keys_deleted_at IS NULL"),
    ),
    newest_index("ix_digital_orders_newest", key="order_id"),
    newest_index("ix_digital_orders_buyer_newest", "buyer_user_id", key="order_id"),
    newest_index("ix_digital_orders_status_newest", "status", key="order_id"),
)

# One row for each unit. Those of an order that is discarded go with it.
digital_order_items: Final = Table(
    "digital_order_items",
    metadata,
    Column("item_id", UUID(as_uuid=True), primary_key=True),
    Column("order_id", UUID(as_uuid=True), ForeignKey("digital_orders.order_id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    id_column("product_id"),
    Column("name", Text, nullable=False),
    Column("supplier_product_id", Text, nullable=False),
    Column("price", AMOUNT, nullable=False),
    Column("status", Text, nullable=False, server_default="PENDING"),
    time_column("status_at", nullable=False),
    Column("reservation_id", Text),
    time_column("reserved_at"),
    Column("failure", Text, nullable=False, server_default=""),
    status_check(DigitalItemStatus),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("status <> 'RESERVED' OR reservation_id IS NOT NULL", name="reservation_id"),
    CheckConstraint("(reservation_id IS NULL) = (reserved_at IS NULL)", name="reserved_at"),
    Index("uq_digital_order_items_position", "order_id", "position", unique=True),
    Index(
        "uq_digital_order_items_reservation_id",
        "reservation_id",
        unique=True,
        postgresql_where=text("reservation_id IS NOT NULL"),
    ),
    Index(
        "ix_digital_order_items_reserved_newest",
        text("reserved_at DESC"),
        text("item_id DESC"),
        postgresql_where=text("reserved_at IS NOT NULL"),
    ),
)

digital_item_codes: Final = Table(
    "digital_item_codes",
    metadata,
    Column("item_id", UUID(as_uuid=True), ForeignKey("digital_order_items.item_id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# From NULL, not from OPENING: an order is invisible before it is CREATED or PAID.
digital_order_history: Final = Table(
    "digital_order_history",
    metadata,
    *history_columns("order_id", table="digital_orders"),
    id_column("request_id", nullable=True),  # none if a job or a webhook moved it
)
