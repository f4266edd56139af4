"""The table of codes that were sent."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, SmallInteger, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from users.accounts.models import USERS
from users.database import METADATA

__all__ = ["OTP_CHALLENGES"]

# The code itself is known to the provider only. A new code replaces the one before. One challenge for each user, what a
# code is for, and what exactly: an order, a transfer, a sale; for registering the user.
OTP_CHALLENGES: Final = Table(
    "otp_challenges",
    METADATA,
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id, ondelete="CASCADE"), primary_key=True),
    Column("context", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("verification_sid", Text),  # none before the first code is sent, and when the provider says it is too old
    Column("phone", Text),  # the number it was sent to, which it proves
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("verified_at", DateTime(timezone=True)),
    # The provider is asked outside of transactions. Whoever asks says so before, and until when they count as alive.
    Column("sending_request_id", UUID(as_uuid=True)),
    Column("sending_until", DateTime(timezone=True)),
    Column("trying_until", DateTime(timezone=True)),
    Index("ix_otp_challenges_sent_at", "sent_at"),
)
