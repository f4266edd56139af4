"""The tables of transfers. The triggers that refuse other changes of status are in the second migration."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
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
from orders.transfers.status import TransferStatus

transfers: Final = Table(
    "transfers",
    metadata,
    Column("transfer_id", UUID(as_uuid=True), primary_key=True),
    id_column("seat_id"),
    id_column("order_id"),
    id_column("event_id"),
    *place_columns(),
    id_column("seller_user_id"),
    id_column("buyer_user_id"),
    id_column("initiated_by_user_id"),
    Column("credits_amount", AMOUNT, nullable=False),
    Column("status", Text, nullable=False),
    id_column("moved_by_request_id"),
    id_column("owner_change_begun_by", nullable=True),
    time_column("seller_confirmed_at"),
    time_column("buyer_confirmed_at"),
    time_column("expires_at", nullable=False),
    created_at(),
    time_column("completed_at"),
    time_column("ended_at"),
    Column("reason", Text),
    # The latest dispute; these stay even if it is dismissed.
    id_column("disputed_by_user_id", nullable=True),
    Column("dispute_reason", Text),
    time_column("disputed_at"),
    status_check(TransferStatus),
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
    # T8: one active transfer per ticket. A transfer of a refunded ticket does not block the seat's next owner.
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
    completed_index("ix_transfers_ticket_completed"),
    newest_index("ix_transfers_seller_newest", "seller_user_id", key="transfer_id"),
    newest_index("ix_transfers_buyer_newest", "buyer_user_id", key="transfer_id"),
    newest_index("ix_transfers_newest", key="transfer_id"),
    newest_index("ix_transfers_status_newest", "status", key="transfer_id"),
    oldest_index("ix_transfers_event_oldest", key="transfer_id"),
)

transfer_history: Final = Table(
    "transfer_history",
    metadata,
    *history_columns("transfer_id", table="transfers"),
    id_column("request_id"),
    id_column("user_id", nullable=True),  # the user who opened or disputed it
    Column("reason", Text),
)
