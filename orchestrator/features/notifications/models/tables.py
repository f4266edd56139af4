"""Tables of users' feeds, in the orchestrator's database."""

from sqlalchemy import BigInteger, Column, DateTime, Index, PrimaryKeyConstraint, Table, func
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.messaging.inbox import inbox_table
from orchestrator.database import metadata

__all__ = ["feed_heads", "metadata", "user_feed"]

inbox_table(metadata)

# Each feed's last sequence number. The row is locked while an entry is added, so that entries become visible in order:
# after a reader has seen number 7, number 6 cannot appear.
feed_heads = Table(
    "feed_heads",
    metadata,
    Column("user_id", UUID(as_uuid=True), primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
)

user_feed = Table(
    "user_feed",
    metadata,
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("message", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("user_id", "sequence"),
    Index("ix_user_feed_created_at", "created_at"),
)
