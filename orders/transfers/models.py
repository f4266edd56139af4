"""The tables of transfers. Triggers that guard the status machine are in the second migration."""

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
from orders.transfers.status import TransferStatus

__all__ = ["transfer_history", "transfers"]

_STATUSES: Final = ", ".join(f"'{status}'" for status in TransferStatus)

transfers: Final = Table(
    "transfers",
    metadata,
    Column("transfer_id", UUID(as_uuid=True), primary_key=True),
    Column("seat_id", UUID(as_uuid=True), nullable=False),
    Column("order_id", UUID(as_uuid=True), nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("category", Text, nullable=False),
    Column("row_number", Text, nullable=False),
    Column("seat_number", Integer, nullable=False),
    Column("seller_user_id", UUID(as_uuid=True), nullable=False),
    Column("buyer_user_id", UUID(as_uuid=True), nullable=False),
    Column("initiated_by_user_id", UUID(as_uuid=True), nullable=False),
    Column("credits_amount", AMOUNT, nullable=False),
    Column("status", Text, nullable=False),
    Column("moved_by_request_id", UUID(as_uuid=True), nullable=False),
    Column("seller_confirmed_at", DateTime(timezone=True)),
    Column("buyer_confirmed_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("completed_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text),
    # The latest dispute; they stay when it is dismissed.
    Column("disputed_by_user_id", UUID(as_uuid=True)),
    Column("dispute_reason", Text),
    Column("disputed_at", DateTime(timezone=True)),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    CheckConstraint("credits_amount >= 0", name="credits_amount"),
    CheckConstraint("seller_user_id <> buyer_user_id", name="two_people"),
    CheckConstraint("initiated_by_user_id IN (seller_user_id, buyer_user_id)", name="initiated_by_user_id"),
    CheckConstraint(
        "(status IN ('COMPLETED', 'DISPUTED', 'REVERSING', 'REVERSED')) = (completed_at IS NOT NULL)",
        name="completed_at",
    ),
    CheckConstraint("(status IN ('FAILED', 'CANCELLED', 'REVERSED')) = (ended_at IS NOT NULL)", name="ended_at"),
    CheckConstraint(
        "disputed_at IS NOT NULL OR status NOT IN ('DISPUTED', 'REVERSING', 'REVERSED')", name="disputed_at"
    ),
    # T8: one active transfer per seat; one of a ticket that was given back since is not in the next owner's way.
    Index(
        "uq_transfers_ticket_pending",
        "seat_id",
        "order_id",
        unique=True,
        postgresql_where=text("status = 'PENDING_OTP'"),
    ),
    Index(
        "ix_transfers_seat_open",
        "seat_id",
        postgresql_where=text("status IN ('PENDING_OTP', 'DISPUTED', 'REVERSING')"),
    ),
    Index("ix_transfers_order_disputed", "order_id", postgresql_where=text("status IN ('DISPUTED', 'REVERSING')")),
    Index("ix_transfers_seller_newest", "seller_user_id", text("created_at DESC"), text("transfer_id DESC")),
    Index("ix_transfers_buyer_newest", "buyer_user_id", text("created_at DESC"), text("transfer_id DESC")),
    Index("ix_transfers_status_newest", "status", text("created_at DESC"), text("transfer_id DESC")),
    Index("ix_transfers_event_oldest", "event_id", "status", "created_at", "transfer_id"),
)

transfer_history: Final = Table(
    "transfer_history",
    metadata,
    Column("transfer_id", UUID(as_uuid=True), ForeignKey("transfers.transfer_id"), primary_key=True),
    Column("history_id", BigInteger, Identity(always=True), primary_key=True),
    Column("from_status", Text),  # NULL for the opening
    Column("to_status", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("request_id", UUID(as_uuid=True), nullable=False),
    Column("user_id", UUID(as_uuid=True)),  # who opened or disputed it
    Column("reason", Text),
)
