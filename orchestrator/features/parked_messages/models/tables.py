"""Parked messages, in the orchestrator's database."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from orchestrator.database import metadata

__all__ = ["parked_messages"]

TIME: Final = DateTime(timezone=True)

parked_messages = Table(
    "parked_messages",
    metadata,
    Column("parked_id", UUID(as_uuid=True), primary_key=True),
    # The sender's id, which need not be a UUID.
    Column("message_id", Text, nullable=False),
    # The queue that it came from; NULL if unknown.
    Column("queue", Text),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'parked'")),
    Column("parked_at", TIME, nullable=False),
    Column("settled_at", TIME),
    # The admin who replayed or discarded it.
    Column("settled_by", UUID(as_uuid=True)),
    CheckConstraint("status IN ('parked', 'replayed', 'discarded')", name="status_known"),
    CheckConstraint("(status = 'parked') = (settled_at IS NULL)", name="settled_has_time"),
    Index("ix_parked_messages_status", "status", "parked_at"),
    Index("ix_parked_messages_parked_at", "parked_at"),
    Index("ix_parked_messages_settled_at", "settled_at", postgresql_where=text("settled_at IS NOT NULL")),
)
