"""Sessions in PostgreSQL, each change in one statement or one transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database, Row
from common.db.retention import Retention
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from users.database import OUTBOX
from users.sessions.schemas import Revoked
from users.sessions.tokens import RefreshToken

# The user's row is locked, so that the roles are current: this waits for a concurrent change of them, and a later change
# finds this session and ends it.
_OPEN: Final = text(
    """
    WITH owner AS MATERIALIZED (SELECT user_id, roles FROM users
        WHERE user_id = :user_id AND deleted_at IS NULL FOR SHARE),
    session AS (
        INSERT INTO sessions (session_id, user_id, access_expires_at, ends_at)
        SELECT :session_id, user_id, :access_expires_at, :expires_at FROM owner
        RETURNING session_id),
    token AS (
        INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
        SELECT :token_hash, session_id, :expires_at FROM session)
    SELECT roles FROM owner
    """
)
# Of two calls with one token, the second waits for the row, finds it used, and returns no row.
_ROTATE: Final = text(
    """
    WITH spent AS (
        UPDATE refresh_tokens token SET used_at = now() FROM sessions
        WHERE token.token_hash = :token_hash AND token.used_at IS NULL AND token.expires_at > now()
          AND sessions.session_id = token.session_id AND sessions.revoked_at IS NULL
        RETURNING token.session_id),
    renewed AS (
        UPDATE sessions
        SET access_expires_at = greatest(access_expires_at, :access_expires_at),
            ends_at = greatest(ends_at, :next_expires_at)
        FROM spent
        WHERE sessions.session_id = spent.session_id AND revoked_at IS NULL
        RETURNING sessions.session_id, user_id),
    successor AS (
        INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
        SELECT :next_token_hash, session_id, :next_expires_at FROM renewed)
    SELECT session_id, user_id, roles FROM renewed JOIN users USING (user_id)
    """
)
_FIND_TOKEN: Final = text(
    """
    SELECT session_id, used_at IS NOT NULL AS is_used, expires_at <= now() AS is_expired
    FROM refresh_tokens WHERE token_hash = :token_hash
    """
)
_REVOKE: Final = text(
    """
    UPDATE sessions SET revoked_at = now(), revoked_because = :because
    WHERE session_id = :session_id AND revoked_at IS NULL
    RETURNING session_id, access_expires_at
    """
)
# In one order, so that two of these never deadlock.
_REVOKE_ALL: Final = text(
    """
    WITH open AS MATERIALIZED (
        SELECT session_id FROM sessions WHERE user_id = :user_id AND revoked_at IS NULL
        ORDER BY session_id FOR UPDATE)
    UPDATE sessions SET revoked_at = now(), revoked_because = :because FROM open
    WHERE sessions.session_id = open.session_id
    RETURNING sessions.session_id, access_expires_at
    """
)
_REVOKED: Final = text(
    """
    SELECT session_id, access_expires_at FROM sessions
    WHERE revoked_at IS NOT NULL AND access_expires_at > now() ORDER BY access_expires_at
    """
)
# A session's refresh tokens are deleted with it; those of a session in use are deleted as they expire.
RETENTIONS: Final = (
    Retention(table="refresh_tokens", aged_by="expires_at", keep_days=0),
    Retention(table="sessions", aged_by="ends_at", keep_days=0, condition="access_expires_at < now()"),
)


@dataclass(frozen=True, slots=True)
class RenewedSession:
    session_id: uuid.UUID
    user_id: uuid.UUID
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpentToken:
    """Why a refresh token was refused."""

    session_id: uuid.UUID
    is_used: bool
    is_expired: bool


class SessionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self, *, session_id: uuid.UUID, user_id: uuid.UUID, access_expires_at: datetime, refresh: RefreshToken
    ) -> tuple[str, ...] | None:
        """Store a session; return the user's roles, None if there is no such user."""
        row = await self._database.fetch_one(
            _OPEN,
            {
                "session_id": session_id,
                "user_id": user_id,
                "access_expires_at": access_expires_at,
                "token_hash": refresh.token_hash,
                "expires_at": refresh.expires_at,
            },
        )
        return None if row is None else tuple(row["roles"])

    async def rotate(
        self, *, token_hash: bytes, access_expires_at: datetime, successor: RefreshToken
    ) -> RenewedSession | None:
        """Use a refresh token up and store its successor; return None if it cannot be used."""
        row = await self._database.fetch_one(
            _ROTATE,
            {
                "token_hash": token_hash,
                "access_expires_at": access_expires_at,
                "next_token_hash": successor.token_hash,
                "next_expires_at": successor.expires_at,
            },
        )
        return None if row is None else RenewedSession(row["session_id"], row["user_id"], tuple(row["roles"]))

    async def find_token(self, token_hash: bytes) -> SpentToken | None:
        row = await self._database.fetch_one(_FIND_TOKEN, {"token_hash": token_hash})
        return None if row is None else SpentToken(row["session_id"], row["is_used"], row["is_expired"])

    async def revoke(self, session_id: uuid.UUID, *, because: str) -> None:
        """End a session and publish that, in one transaction. A session that has ended stays unchanged."""
        async with self._database.transaction() as connection:
            result = await connection.execute(_REVOKE, {"session_id": session_id, "because": because})
            await _publish_revoked(connection, result.mappings().all())

    async def list_revoked(self) -> list[Revoked]:
        """Return revoked sessions with access tokens that have not expired."""
        rows = await self._database.fetch_all(_REVOKED)
        return [Revoked(session_id=row["session_id"], expires_at=row["access_expires_at"]) for row in rows]


async def revoke_all(connection: AsyncConnection, user_id: uuid.UUID, *, because: str) -> None:
    """End all sessions of a user and publish that, in the caller's transaction."""
    result = await connection.execute(_REVOKE_ALL, {"user_id": user_id, "because": because})
    await _publish_revoked(connection, result.mappings().all())


async def _publish_revoked(connection: AsyncConnection, revoked: Sequence[Row]) -> None:
    messages = [
        Message(
            type="session.revoked",
            source="users",
            subject=str(row["session_id"]),
            data={"session_id": str(row["session_id"]), "expires_at": row["access_expires_at"].isoformat()},
        )
        for row in revoked
    ]
    if messages:
        rows = [outbox_row(message) for message in messages]
        await connection.execute(OUTBOX.insert(), rows)
