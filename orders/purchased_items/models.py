"""The tables of purchased items. The triggers that refuse other changes of status are in the ninth migration."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.purchased_items.status import ItemStatus
from orders.shared.models import created_at, history_columns, id_column, newest_index, status_check, time_column

_ENDED: Final = "status IN ('SUCCESS', 'FAILED', 'CANCELLED', 'DECLINED', 'EXPIRED')"


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


purchased_items: Final = Table(
    "purchased_items",
    metadata,
    Column("purchased_item_id", UUID(as_uuid=True), primary_key=True),
    Column("type", Text, nullable=False),
    id_column("buyer_user_id"),
    id_column("performer_id"),
    id_column("offer_id"),  # the tip grid item, the menu item, or the performer of a subscription
    id_column("menu_id", nullable=True),
    id_column("conversation_id", nullable=True),
    Column("name", Text, nullable=False),
    _text("description"),
    Column("price", AMOUNT, nullable=False),
    Column("execution_mode", Text, nullable=False),
    _text("message"),
    Column("idempotency_key", Text),
    id_column("queue_request_id", nullable=True),
    time_column("scheduled_for"),
    Column("estimated_minutes", Integer, nullable=False, server_default="0"),
    Column("bonus_points", Integer, nullable=False, server_default="0"),
    Column("is_batched", Boolean, nullable=False, server_default=text("false")),
    Column("time_zone", Text, nullable=False),
    Column("opened_on", Date, nullable=False),  # the day in that time zone, for daily limits
    Column("status", Text, nullable=False),
    Column("settlement_status", Text, nullable=False),
    _text("note"),
    _text("file_url"),
    _text("explanation"),
    Column("device", JSONB),
    # Its place in the performer's queue, once it is due. The trigger `purchased_items_keep_queue` gives it.
    Column("is_due", Boolean, nullable=False, server_default=text("false")),
    Column("place", BigInteger),
    id_column("payout_id", nullable=True),
    # Of a renewal: how many periods of the subscription were paid before.
    Column("renewed_periods", Integer),
    id_column("opened_by_request_id"),
    created_at(),
    time_column("started_at"),
    time_column("ended_at"),
    status_check(ItemStatus),
    CheckConstraint("type IN ('tip_grid_item', 'menu_item', 'subscription')", name="type"),
    CheckConstraint("settlement_status IN ('pending', 'held', 'settled', 'refunded')", name="settlement_status"),
    CheckConstraint("price >= 0 AND estimated_minutes >= 0 AND bonus_points >= 0", name="amounts"),
    CheckConstraint("buyer_user_id <> performer_id", name="two_people"),
    CheckConstraint("status <> 'IN_PROGRESS' OR started_at IS NOT NULL", name="started_at"),
    CheckConstraint(f"({_ENDED}) = (ended_at IS NOT NULL)", name="ended_at"),
    CheckConstraint("settlement_status <> 'settled' OR status = 'SUCCESS'", name="settled"),
    # The keys of periods are not the clients': those name other items.
    Index(
        "uq_purchased_items_idempotency_key",
        "buyer_user_id",
        text("(type = 'subscription')"),
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    Index(
        "uq_purchased_items_queue_request_id",
        "queue_request_id",
        unique=True,
        postgresql_where=text("queue_request_id IS NOT NULL"),
    ),
    # What counts for daily limits.
    Index(
        "ix_purchased_items_day",
        "offer_id",
        "opened_on",
        "buyer_user_id",
        postgresql_where=text("status IN ('OPENING', 'PENDING', 'IN_PROGRESS', 'SUCCESS')"),
    ),
    Index(
        "ix_purchased_items_queue",
        "performer_id",
        "place",
        postgresql_include=["estimated_minutes"],
        postgresql_where=text("status = 'PENDING'"),
    ),
    Index(
        "ix_purchased_items_in_progress", "performer_id", "started_at", postgresql_where=text("status = 'IN_PROGRESS'")
    ),
    Index("ix_purchased_items_scheduled", "scheduled_for", postgresql_where=text("status = 'PENDING' AND NOT is_due")),
    # What is not paid out yet.
    Index(
        "ix_purchased_items_earned",
        "performer_id",
        postgresql_include=["price"],
        postgresql_where=text("status = 'SUCCESS' AND settlement_status = 'pending'"),
    ),
    newest_index("ix_purchased_items_buyer_newest", "buyer_user_id", key="purchased_item_id"),
    newest_index("ix_purchased_items_performer_newest", "performer_id", key="purchased_item_id"),
)

# From NULL, not from OPENING: an item is invisible before it is PENDING, or SUCCESS at once.
purchased_item_history: Final = Table(
    "purchased_item_history",
    metadata,
    *history_columns("purchased_item_id", table="purchased_items"),
    id_column("request_id"),
)
