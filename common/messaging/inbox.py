"""The memory of messages already handled, written in the same statement as the effect."""

from typing import Final

from sqlalchemy import Column, DateTime, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

__all__ = ["RECEIVED", "inbox_table"]

# The first part of the statement that has the effect: all its others come of `received`, which has no row when the
# message was handled before. One that is being handled at this moment is waited for.
RECEIVED: Final = """
    received AS (
        INSERT INTO inbox (message_id, consumer) VALUES (CAST(:message_id AS uuid), :consumer)
        ON CONFLICT DO NOTHING
        RETURNING message_id)
"""


def inbox_table(metadata: MetaData) -> Table:
    """Define the table in a service's metadata."""
    return Table(
        "inbox",
        metadata,
        Column("message_id", UUID(as_uuid=True), primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
