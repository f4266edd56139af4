"""The table of payments."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from common.db.base import AMOUNT
from users.accounts.models import USERS
from users.database import METADATA

# What a user is to pay a provider; every report of the provider is compared with it.
PAYMENTS: Final = Table(
    "payments",
    METADATA,
    Column("payment_id", UUID(as_uuid=True), primary_key=True),
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id), nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_payment_id", Text),  # null until the provider has created it
    Column("purpose", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("amount", AMOUNT, nullable=False),  # the amount to pay, and the credits it becomes
    Column("original_amount", AMOUNT),  # the amount to pay, once the payment was settled at what was received
    Column("currency", Text, nullable=False),  # lower case, as providers write it
    Column("status", Text, nullable=False, server_default="PENDING"),
    Column("status_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("paid_amount", Numeric),  # as the provider counts it, perhaps in a coin: any number of places
    Column("deposits", JSONB, nullable=False, server_default="{}"),  # what it consists of, by the provider's ids
    Column("refunded_amount", AMOUNT, nullable=False, server_default="0"),
    Column("disputed_amount", AMOUNT, nullable=False, server_default="0"),  # withdrawn or lost by disputes
    Column("dispute_status", Text),
    Column("reversals", JSONB, nullable=False, server_default="{}"),  # refunds and disputes, by the provider's ids
    Column("taken_back", AMOUNT, nullable=False, server_default="0"),  # of the credits, whether spent or not
    Column("reversal_count", Integer, nullable=False, server_default="0"),  # movements of credits after the first
    Column("flags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("details", JSONB, nullable=False, server_default="{}"),  # how to pay, such as an address
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("credited_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),  # when what it was for had ended
    UniqueConstraint("provider", "provider_payment_id", name="uq_payments_provider_payment_id"),
    CheckConstraint("provider IN ('stripe', 'nowpayments')", name="provider"),
    CheckConstraint("purpose IN ('topup', 'order', 'commission', 'digital_order')", name="purpose"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint(
        "original_amount IS NULL OR original_amount >= amount AND closed_at IS NOT NULL AND credited_at IS NOT NULL",
        name="original_amount",
    ),
    CheckConstraint(
        "status IN ('PENDING', 'WAITING', 'CONFIRMING', 'FAILED', 'EXPIRED', 'PARTIALLY_PAID', 'SUCCEEDED', 'REFUNDED')",
        name="status",
    ),
    CheckConstraint("dispute_status IN ('OPEN', 'WITHDRAWN', 'LOST', 'WON', 'CLOSED')", name="dispute_status"),
    CheckConstraint("taken_back BETWEEN 0 AND CASE WHEN credited_at IS NULL THEN 0 ELSE amount END", name="taken_back"),
    # A refund may be reported before its payment; then nothing was ever credited.
    CheckConstraint(
        "CASE status WHEN 'SUCCEEDED' THEN credited_at IS NOT NULL WHEN 'REFUNDED' THEN true "
        "ELSE credited_at IS NULL END",
        name="credited",
    ),
    Index("ix_payments_created_at", "created_at"),
    Index("ix_payments_user", "user_id", "created_at"),
    Index("ix_payments_status", "provider", "status", "created_at"),
    Index(
        "ix_payments_disputed",
        "provider",
        "created_at",
        postgresql_where=sql("dispute_status IN ('OPEN', 'WITHDRAWN')"),
    ),
    Index("ix_payments_status_newest", "status", "created_at"),
    Index("ix_payments_flagged", "created_at", postgresql_where=sql("flags <> '{}'")),
)
