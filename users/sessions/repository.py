"""Sessions in PostgreSQL, each change in one statement or one transaction."""

# ruff: noqa: S608 - the statements are composed of constants of this module; values are bound

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
from users.accounts.errors import AccountSuspended
from users.database import OUTBOX
from users.sessions.origin import Origin
from users.sessions.schemas import Revoked
from users.sessions.tokens import RefreshToken

# The user's row is locked, so that the roles are current: this waits for a concurrent change of them, and a later change
# finds this session and ends it. So is a suspension, and the password: a new one ends the sessions of the previous one.
_OPEN: Final = text(
    """
    WITH owner AS MATERIALIZED (
        SELECT user_id, roles, suspended_at IS NOT NULL AS is_suspended FROM users
        WHERE user_id = :user_id AND deleted_at IS NULL
          AND (CAST(:password_hash AS text) IS NULL OR password_hash = :password_hash) FOR SHARE),
    session AS (
        INSERT INTO sessions (session_id, user_id, access_expires_at, ends_at, device, network)
        SELECT :session_id, user_id, :access_expires_at, :expires_at, :device, :network FROM owner WHERE NOT is_suspended
        RETURNING session_id),
    token AS (
        INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
        SELECT :token_hash, session_id, :expires_at FROM session)
    SELECT roles, is_suspended FROM owner
    """
)
# A token can be used once; and again for a short time while no successor has been used: its client lost the answer, or two
# tabs of a browser sent it at once. Each use gets a successor of its own, since no token can be read from the database.
_IS_USABLE: Final = """
    (token.used_at IS NULL OR coalesce(token.repeatable_until > now(), false) AND NOT EXISTS (
        SELECT FROM refresh_tokens successor
        WHERE successor.session_id = token.session_id AND successor.predecessor_hash = token.token_hash
          AND successor.used_at IS NOT NULL))
"""
# Of two calls with one token, the second waits for the row and then decides on the newest version of it.
_ROTATE: Final = text(
    f"""
    WITH spent AS (
        UPDATE refresh_tokens token
        SET used_at = coalesce(token.used_at, now()),
            repeatable_until = coalesce(token.repeatable_until, now() + make_interval(secs => :repeat_seconds))
        FROM sessions
        WHERE token.token_hash = :token_hash AND {_IS_USABLE} AND token.expires_at > now()
          AND sessions.session_id = token.session_id AND sessions.revoked_at IS NULL
          AND (SELECT count(*) FROM refresh_tokens recent WHERE recent.session_id = token.session_id
               AND recent.created_at > now() - interval '1 minute') < :most_per_minute
        RETURNING token.session_id),
    renewed AS (
        UPDATE sessions
        SET access_expires_at = greatest(access_expires_at, :access_expires_at),
            ends_at = greatest(ends_at, :next_expires_at)
        FROM spent
        WHERE sessions.session_id = spent.session_id AND revoked_at IS NULL
        RETURNING sessions.session_id, user_id),
    successor AS (
        INSERT INTO refresh_tokens (token_hash, session_id, expires_at, predecessor_hash)
        SELECT :next_token_hash, session_id, :next_expires_at, :token_hash FROM renewed)
    SELECT session_id, user_id, roles FROM renewed JOIN users USING (user_id)
    """
)
_FIND_TOKEN: Final = text(
    f"""
    SELECT token.session_id, NOT {_IS_USABLE} AS is_reused, token.expires_at <= now() AS is_expired,
           sessions.revoked_at IS NOT NULL AS is_revoked, users.suspended_at IS NOT NULL AS is_suspended
    FROM refresh_tokens token JOIN sessions USING (session_id) JOIN users USING (user_id)
    WHERE token.token_hash = :token_hash
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
        SELECT session_id FROM sessions
        WHERE user_id = :user_id AND revoked_at IS NULL
          AND session_id IS DISTINCT FROM CAST(:except_session_id AS uuid)
        ORDER BY session_id FOR UPDATE)
    UPDATE sessions SET revoked_at = now(), revoked_because = :because FROM open
    WHERE sessions.session_id = open.session_id
    RETURNING sessions.session_id, access_expires_at
    """
)
_OPEN_SESSIONS: Final = text(
    """
    SELECT session_id, created_at, ends_at, device, network FROM sessions
    WHERE user_id = :user_id AND revoked_at IS NULL AND ends_at > now() ORDER BY ends_at DESC, session_id LIMIT :most
    """
)
_IS_OWN: Final = text(
    "SELECT 1 FROM sessions WHERE session_id = :session_id AND user_id = :user_id AND ends_at > now()"
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


# A user with more logs in by a program; those used last are shown.
MOST_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A login that can still be used. Its origin is unknown if an earlier release opened it."""

    session_id: uuid.UUID
    created_at: datetime
    ends_at: datetime
    device: str | None
    network: str | None


@dataclass(frozen=True, slots=True)
class RenewedSession:
    session_id: uuid.UUID
    user_id: uuid.UUID
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpentToken:
    """Why a refresh token was refused; if for none of these reasons, the session is refreshed too often."""

    session_id: uuid.UUID
    is_reused: bool
    is_expired: bool
    is_revoked: bool
    is_suspended: bool


class SessionRepository:
    """Sessions and their refresh tokens.

    Args:
        repeat_seconds: how long a used refresh token gets other successors while none has been used.
        refreshes_per_minute: successors of a session's tokens.
    """

    def __init__(self, database: Database, *, repeat_seconds: float, refreshes_per_minute: int) -> None:
        self._database = database
        self._bounds = {"repeat_seconds": repeat_seconds, "most_per_minute": refreshes_per_minute}

    async def open(
        self,
        *,
        session_id: uuid.UUID,
        user_id: uuid.UUID,
        password_hash: str | None,
        access_expires_at: datetime,
        refresh: RefreshToken,
        origin: Origin,
    ) -> tuple[str, ...] | None:
        """Store a session; return the user's roles, None if there is no such user.

        Args:
            password_hash: that of the password that was checked. If the user has another by now, there is no session.

        Raises:
            AccountSuspended.
        """
        row = await self._database.fetch_one(
            _OPEN,
            {
                "session_id": session_id,
                "user_id": user_id,
                "password_hash": password_hash,
                "access_expires_at": access_expires_at,
                "token_hash": refresh.token_hash,
                "expires_at": refresh.expires_at,
                "device": origin.device,
                "network": origin.network,
            },
        )
        if row is not None and row["is_suspended"]:
            raise AccountSuspended
        return None if row is None else tuple(row["roles"])

    async def rotate(
        self, *, token_hash: bytes, access_expires_at: datetime, successor: RefreshToken
    ) -> RenewedSession | None:
        """Use a refresh token and store its successor; return None if it cannot be used."""
        row = await self._database.fetch_one(
            _ROTATE,
            {
                "token_hash": token_hash,
                "access_expires_at": access_expires_at,
                "next_token_hash": successor.token_hash,
                "next_expires_at": successor.expires_at,
                **self._bounds,
            },
        )
        return None if row is None else RenewedSession(row["session_id"], row["user_id"], tuple(row["roles"]))

    async def find_token(self, token_hash: bytes) -> SpentToken | None:
        row = await self._database.fetch_one(_FIND_TOKEN, {"token_hash": token_hash})
        return None if row is None else SpentToken(**row)

    async def revoke(self, session_id: uuid.UUID, *, because: str) -> None:
        """End a session and publish that, in one transaction. A session that has ended stays unchanged."""
        async with self._database.transaction() as connection:
            result = await connection.execute(_REVOKE, {"session_id": session_id, "because": because})
            await _publish_revoked(connection, result.mappings().all())

    async def list_open(self, user_id: uuid.UUID) -> list[OpenSession]:
        """Return a user's sessions, the one used last first."""
        rows = await self._database.fetch_all(_OPEN_SESSIONS, {"user_id": user_id, "most": MOST_LISTED})
        return [OpenSession(**row) for row in rows]

    async def is_own(self, session_id: uuid.UUID, *, user_id: uuid.UUID) -> bool:
        """Return whether it is a session of the user that has not ended by itself."""
        return await self._database.fetch_one(_IS_OWN, {"session_id": session_id, "user_id": user_id}) is not None

    async def revoke_all(self, user_id: uuid.UUID, *, because: str) -> None:
        """End all sessions of a user and publish that, in one transaction."""
        async with self._database.transaction() as connection:
            await revoke_all(connection, user_id, because=because)

    async def list_revoked(self) -> list[Revoked]:
        """Return revoked sessions with access tokens that have not expired."""
        rows = await self._database.fetch_all(_REVOKED)
        return [Revoked(session_id=row["session_id"], expires_at=row["access_expires_at"]) for row in rows]


async def revoke_all(
    connection: AsyncConnection, user_id: uuid.UUID, *, because: str, except_session_id: uuid.UUID | None = None
) -> None:
    """End all sessions of a user, but for one, and publish that, in the caller's transaction."""
    parameters = {"user_id": user_id, "because": because, "except_session_id": except_session_id}
    result = await connection.execute(_REVOKE_ALL, parameters)
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
