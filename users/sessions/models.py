"""The tables of sessions and their refresh tokens."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, func, text
from sqlalchemy.dialects.postgresql import UUID

from users.accounts.models import USERS
from users.database import METADATA

# One login: a family of refresh tokens, each used once.
SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("session_id", UUID(as_uuid=True), primary_key=True),
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # When its last access token expires; until then gateways must know a revocation.
    Column("access_expires_at", DateTime(timezone=True), nullable=False),
    # When its newest refresh token expires.
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_because", Text),
    # Where the login came from; null for a login of an earlier release.
    Column("device", Text),
    Column("network", Text),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_ends_at", "ends_at"),
    Index("ix_sessions_access_expires_at", "access_expires_at", postgresql_where=text("revoked_at IS NOT NULL")),
)

REFRESH_TOKENS: Final = Table(
    "refresh_tokens",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID(as_uuid=True), ForeignKey(SESSIONS.c.session_id, ondelete="CASCADE"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), server_default=func.now()),  # null for tokens of an earlier release
    Column("used_at", DateTime(timezone=True)),
    # Until when a used token gets another successor, unless one has been used. Null if an earlier release used it.
    Column("repeatable_until", DateTime(timezone=True)),
    Column("predecessor_hash", LargeBinary),  # the token that was exchanged for it; null for that of a login
    Index("ix_refresh_tokens_session_id", "session_id"),
    Index("ix_refresh_tokens_expires_at", "expires_at"),
)
