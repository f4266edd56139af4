"""The table of counted attempts."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text

from users.database import METADATA

ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("scope", Text, primary_key=True),
    Column("subject_hash", Text, primary_key=True),  # a digest: no address is stored
    Column("attempts", Integer, nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Index("ix_attempts_ends_at", "ends_at"),
)
