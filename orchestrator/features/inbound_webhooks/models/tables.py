"""The log of webhooks, in the orchestrator's database."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from orchestrator.database import metadata

__all__ = ["webhook_log"]

TIME: Final = DateTime(timezone=True)

webhook_log = Table(
    "webhook_log",
    metadata,
    Column("webhook_id", UUID(as_uuid=True), primary_key=True),
    Column("provider", Text, nullable=False),
    # The provider's id or, if it has none, a value that identifies the fact.
    Column("external_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    # The signed bytes, unchanged. Of a provider whose webhooks carry goods: what identifies it, as JSON.
    Column("body", LargeBinary, nullable=False),
    # The signed bytes of such a provider, sealed; without the goods once they are processed. NULL in rows of earlier
    # releases, until the periodic task seals them.
    Column("sealed_body", LargeBinary),
    Column("status", Text, nullable=False, server_default=text("'received'")),
    Column("outcome", Text),
    Column("payment_id", UUID(as_uuid=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    # The last job for it.
    Column("job_id", UUID(as_uuid=True), nullable=False),
    Column("error", JSONB),
    # The outcomes before each replay, oldest first.
    Column("earlier", JSONB, nullable=False, server_default=text("'[]'")),
    Column("received_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("processed_at", TIME),
    UniqueConstraint("provider", "external_id", name="uq_webhook_log_provider_external_id"),
    CheckConstraint(
        "status IN ('received', 'processing', 'processed', 'ignored', 'failed', 'unmatched')", name="status_known"
    ),
    Index("ix_webhook_log_received_at", "received_at"),
    Index("ix_webhook_log_status", "status", "received_at"),
    Index("ix_webhook_log_provider", "provider", "received_at"),
    Index(
        "ix_webhook_log_unsealed",
        "webhook_id",
        postgresql_where=text("provider = 'kinguin' AND sealed_body IS NULL"),
    ),
)
