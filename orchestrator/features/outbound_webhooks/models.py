"""Tables of subscriptions and deliveries, in the orchestrator's database."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from orchestrator.database import metadata

__all__ = ["metadata", "webhook_deliveries", "webhook_subscriptions"]

TIME: Final = DateTime(timezone=True)

webhook_subscriptions = Table(
    "webhook_subscriptions",
    metadata,
    Column("subscription_id", UUID(as_uuid=True), primary_key=True),
    Column("url", Text, nullable=False),
    Column("message_types", ARRAY(Text), nullable=False),
    Column("secret", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'ACTIVE'")),
    Column("reason", Text),
    Column("created_by", UUID(as_uuid=True), nullable=False),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("status IN ('ACTIVE', 'DISABLED')", name="status_known"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", UUID(as_uuid=True), primary_key=True),
    Column(
        "subscription_id",
        UUID(as_uuid=True),
        ForeignKey("webhook_subscriptions.subscription_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("message_id", UUID(as_uuid=True), nullable=False),
    Column("message_type", Text, nullable=False),
    Column("body", Text, nullable=False),  # the signed text, byte for byte the same in every attempt
    Column("status", Text, nullable=False, server_default=text("'PENDING'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("delivered_at", TIME),
    UniqueConstraint("subscription_id", "message_id"),
    CheckConstraint("status IN ('PENDING', 'DELIVERED', 'FAILED')", name="status_known"),
    Index("ix_webhook_deliveries_log", "subscription_id", "created_at"),
    Index("ix_webhook_deliveries_created_at", "created_at"),
    Index(
        "ix_webhook_deliveries_undelivered",
        "subscription_id",
        "created_at",
        postgresql_where=text("status <> 'DELIVERED'"),
    ),
)
