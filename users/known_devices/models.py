"""The table of known devices."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table
from sqlalchemy.dialects.postgresql import UUID

from users.accounts.models import USERS
from users.database import METADATA

# A device has a token of its own for each account.
KNOWN_DEVICES: Final = Table(
    "known_devices",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id, ondelete="CASCADE"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_known_devices_user_id", "user_id"),
    Index("ix_known_devices_expires_at", "expires_at"),
)
