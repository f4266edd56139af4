"""Logging in, staying logged in, logging out."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from common.telemetry.logs import get_logger
from users.accounts.credentials import Credentials
from users.accounts.errors import UnverifiedAccount, UserNotFound
from users.accounts.repository import User
from users.sessions.errors import InvalidRefreshToken, RefreshTokenExpired
from users.sessions.repository import RevokedSession, SessionRepository
from users.sessions.tokens import RefreshToken, TokenIssuer

__all__ = ["Sessions", "TokenPair"]

LOGGED_OUT: Final = "logged out"
TOKEN_REUSED: Final = "refresh token reused"  # noqa: S105 - a reason

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str
    expires_in: int  # seconds the access token lives


class Sessions:
    """Logins.

    Args:
        on_message: told when a message was committed to the outbox.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        repository: SessionRepository,
        tokens: TokenIssuer,
        on_message: Callable[[], None],
    ) -> None:
        self._credentials = credentials
        self._repository = repository
        self._tokens = tokens
        self._on_message = on_message

    async def log_in(self, *, email: str, password: str, address: str) -> tuple[User, TokenPair]:
        """Open a session.

        Args:
            address: where the caller is, for the limit on failures.

        Raises:
            UnverifiedAccount: the password is right, the phone is not verified.
            WrongCredentials, TooManyRequests, Unavailable: see `Credentials.check`.
        """
        user = await self._credentials.check(email=email, password=password, address=address)
        if not user.is_verified:
            raise UnverifiedAccount
        return await self.open(user)

    async def open(self, user: User) -> tuple[User, TokenPair]:
        """Begin a session for somebody who has proved who they are; returns them with the roles it has.

        Raises:
            UserNotFound: the account was dropped meanwhile.
        """
        session_id = uuid.uuid4()
        expires_at = self._tokens.next_access_expiry()
        refresh = self._tokens.refresh_token()
        roles = await self._repository.open(
            session_id=session_id, user_id=user.user_id, access_expires_at=expires_at, refresh=refresh
        )
        if roles is None:
            raise UserNotFound
        access = self._tokens.access_token(
            user_id=user.user_id, session_id=session_id, roles=roles, expires_at=expires_at
        )
        return replace(user, roles=roles), TokenPair(access, refresh.token, self._tokens.access_ttl_seconds)

    async def refresh(self, token: str) -> TokenPair:
        """Exchange a refresh token, once, for new tokens with the user's present roles.

        Raises:
            RefreshTokenExpired: it is too old.
            InvalidRefreshToken: it is none of ours, its session is over, or it was used before. The last ends the
                session: one of the two who hold the token has stolen it.
        """
        token_hash = RefreshToken.hash_of(token)
        expires_at = self._tokens.next_access_expiry()
        successor = self._tokens.refresh_token()
        session = await self._repository.rotate(
            token_hash=token_hash, access_expires_at=expires_at, successor=successor
        )
        if session is None:
            raise await self._refuse(token_hash)
        access = self._tokens.access_token(
            user_id=session.user_id, session_id=session.session_id, roles=session.roles, expires_at=expires_at
        )
        return TokenPair(access, successor.token, self._tokens.access_ttl_seconds)

    async def log_out(self, session_id: UUID) -> None:
        """End a session now; its access tokens are refused as soon as the gateways hear of it."""
        await self._revoke(session_id, because=LOGGED_OUT)

    async def list_revoked(self) -> list[RevokedSession]:
        """Return the revoked sessions whose access tokens may still be alive."""
        return await self._repository.list_revoked()

    async def _refuse(self, token_hash: bytes) -> InvalidRefreshToken | RefreshTokenExpired:
        token = await self._repository.find_token(token_hash)
        if token is None:
            return InvalidRefreshToken()
        if token.is_used:
            logger.warning("session.token_reused", session_id=str(token.session_id))
            await self._revoke(token.session_id, because=TOKEN_REUSED)
            return InvalidRefreshToken()
        return RefreshTokenExpired() if token.is_expired else InvalidRefreshToken()

    async def _revoke(self, session_id: UUID, *, because: str) -> None:
        await self._repository.revoke(session_id, because=because)
        self._on_message()
