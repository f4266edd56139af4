"""The table of codes that were sent."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from users.accounts.models import USERS
from users.database import METADATA

# Only the provider knows the code. A new code replaces the one before. There is one challenge for each user, context and
# reference: the id of the order, transfer or sale, or for a registration the user's id.
OTP_CHALLENGES: Final = Table(
    "otp_challenges",
    METADATA,
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id, ondelete="CASCADE"), primary_key=True),
    Column("context", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("verification_sid", Text),  # null without a code that can be tried: not sent yet, expired, or verified
    Column("phone", Text),  # the number it was sent to, which it proves
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("verified_at", DateTime(timezone=True)),
    # A digest of the code that verified a phone, under a key of the service: its repetition gets the same answer.
    Column("code_hash", LargeBinary),
    # The provider is called outside of transactions. Before the call, the caller stores when its claim expires.
    Column("sending_request_id", UUID(as_uuid=True)),
    Column("sending_until", DateTime(timezone=True)),
    Column("trying_until", DateTime(timezone=True)),
    Index("ix_otp_challenges_sent_at", "sent_at"),
)
