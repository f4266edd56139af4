"""The table of handled messages, written in the same transaction as the effect."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, func, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.retention import Retention
from common.messaging.message import Message

# Much longer than a sender's outbox and the broker keep a message, so longer than a message may be repeated.
INBOX_RETENTION: Final = Retention(table="inbox", aged_by="received_at", keep_days=30)

# For an effect in one statement: its other parts select from `received`, which has no row if the message was handled
# before. If another process is handling it, the statement waits.
RECEIVED: Final = """
    received AS (
        INSERT INTO inbox (message_id, consumer) VALUES (CAST(:message_id AS uuid), :consumer)
        ON CONFLICT DO NOTHING
        RETURNING message_id)
"""

_RECEIVE: Final = text(
    """
    INSERT INTO inbox (message_id, consumer) VALUES (:message_id, :consumer) ON CONFLICT DO NOTHING
    """
)


def inbox_table(metadata: MetaData) -> Table:
    """Define the table in a service's metadata."""
    return Table(
        "inbox",
        metadata,
        Column("message_id", UUID(as_uuid=True), primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("ix_inbox_received_at", "received_at"),
    )


async def is_first_delivery(connection: AsyncConnection, message: Message, *, consumer: str) -> bool:
    """Record the message as handled; return False if it was before. Call it first in the effect's transaction."""
    result = await connection.execute(_RECEIVE, {"message_id": message.id, "consumer": consumer})
    return result.rowcount == 1
