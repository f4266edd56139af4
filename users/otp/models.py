"""The table of codes that were sent."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, SmallInteger, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from users.accounts.models import USERS
from users.models import METADATA

__all__ = ["OTP_CHALLENGES"]

# The code itself is known to the provider only. A new code replaces the one before.
OTP_CHALLENGES: Final = Table(
    "otp_challenges",
    METADATA,
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id, ondelete="CASCADE"), primary_key=True),
    Column("context", Text, primary_key=True),
    Column("verification_sid", Text, nullable=False),
    Column("phone", Text, nullable=False),  # the number it was sent to, which it proves
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
