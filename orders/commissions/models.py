"""The tables of commissions. The triggers that refuse other changes of status are in the twelfth migration."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from common.db.base import AMOUNT
from orders.commissions.status import CommissionStatus
from orders.database import metadata
from orders.shared.models import created_at, history_columns, id_column, newest_index, status_check, time_column

UNFINISHED: Final = "status NOT IN ('OPENING', 'AWAITING_PAYMENT', 'COMPLETED', 'REFUNDED', 'CANCELLED')"
"""Of a paid order."""
_ENDED: Final = "status IN ('COMPLETED', 'REFUNDED', 'CANCELLED')"


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _integer(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


commissions: Final = Table(
    "commissions",
    metadata,
    Column("order_id", UUID(as_uuid=True), primary_key=True),
    id_column("customer_user_id"),
    Column("type", Text, nullable=False),
    Column("price", AMOUNT, nullable=False),
    Column("pay_with", Text, nullable=False),
    id_column("event_id", nullable=True),
    id_column("article_id", nullable=True),
    _text("brief"),
    Column("keywords", ARRAY(Text), nullable=False, server_default="{}"),
    Column("target_url", Text),
    Column("anchor_text", Text),
    Column("links_allowed", Boolean, nullable=False, server_default=text("false")),
    Column("status", Text, nullable=False),
    time_column("status_at", nullable=False),
    Column("checkout_session_id", Text),
    Column("checkout_url", Text),
    time_column("checkout_expires_at"),
    _integer("round"),  # the number of the text that is being written, or was written last
    _text("notes"),  # the customer's, of the last revision
    _text("review_notes"),  # an admin's, of the last time that it was sent back
    Column("failure_code", Text),
    _text("failure_message"),
    _integer("version_number"),  # of the current version, and its title
    _text("title"),
    Column("slug", Text),
    id_column("opened_by_request_id"),
    id_column("moved_by_request_id", nullable=True),
    created_at(),
    time_column("paid_at"),
    time_column("failed_at"),
    time_column("ended_at"),
    status_check(CommissionStatus),
    CheckConstraint("(type = 'ARTICLE' AND event_id IS NOT NULL AND article_id IS NULL) OR "
                    "(type = 'BACKLINK' AND article_id IS NOT NULL AND event_id IS NULL)", name="type"),
    CheckConstraint("pay_with IN ('credits', 'stripe')", name="pay_with"),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("(target_url IS NULL) = (anchor_text IS NULL)", name="link"),
    CheckConstraint("status <> 'AWAITING_PAYMENT' OR checkout_session_id IS NOT NULL", name="checkout"),
    CheckConstraint("(status IN ('OPENING', 'AWAITING_PAYMENT', 'CANCELLED')) = (paid_at IS NULL)", name="paid_at"),
    CheckConstraint("status <> 'FAILED' OR (failed_at IS NOT NULL AND failure_code IS NOT NULL)", name="failed_at"),
    CheckConstraint(f"({_ENDED}) = (ended_at IS NOT NULL)", name="ended_at"),
    CheckConstraint("(status = 'COMPLETED') = (slug IS NOT NULL)", name="slug"),
    # Two texts that are based on the same content would overwrite each other. An unpaid order blocks no other.
    Index(
        "uq_commissions_unfinished_backlink",
        "article_id",
        unique=True,
        postgresql_where=text(f"type = 'BACKLINK' AND {UNFINISHED}"),
    ),
    Index(
        "uq_commissions_checkout_session_id",
        "checkout_session_id",
        unique=True,
        postgresql_where=text("checkout_session_id IS NOT NULL"),
    ),
    Index("ix_commissions_stalled", "status", "status_at", postgresql_where=text("status IN ('PROCESSING', 'FAILED')")),
    Index("ix_commissions_paid", "paid_at", postgresql_where=text("paid_at IS NOT NULL")),
    newest_index("ix_commissions_newest", key="order_id"),
    newest_index("ix_commissions_customer_newest", "customer_user_id", key="order_id"),
    newest_index("ix_commissions_status_newest", "status", key="order_id"),
)  # fmt: skip

commission_versions: Final = Table(
    "commission_versions",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("commissions.order_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version_id", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    Column("round", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    _text("notes"),  # the revision that was asked for
    _text("changes"),  # a unified diff of the plain text to the version before
    Column("quality", JSONB, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("cost_usd", Numeric(12, 6)),
    created_at(),
)

# From NULL, not from OPENING: an order is invisible before it is AWAITING_PAYMENT or PROCESSING.
commission_history: Final = Table(
    "commission_history",
    metadata,
    *history_columns("order_id", table="commissions"),
    id_column("request_id", nullable=True),  # none if its job tries again
)
