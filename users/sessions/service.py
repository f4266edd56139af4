"""Logging in, refreshing tokens, logging out."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from common.auth.principal import Principal
from common.errors import ServiceError
from common.telemetry.logs import get_logger
from users.accounts.credentials import Credentials
from users.accounts.errors import AccountSuspended, UnverifiedAccount, UserNotFound, WrongCredentials
from users.accounts.repository import User
from users.accounts.schemas import UserSummary
from users.email_links.service import EmailLinkService
from users.known_devices.service import KnownDeviceService
from users.sessions.errors import InvalidRefreshToken, RefreshTokenExpired, SessionNotFound, TooManyRefreshes
from users.sessions.origin import Origin
from users.sessions.repository import SessionRepository
from users.sessions.schemas import LoggedIn, Revoked, SessionView, Tokens
from users.sessions.tokens import RefreshToken, TokenIssuer

__all__ = ["SessionService"]

LOGGED_OUT: Final = "logged out"
TOKEN_REUSED: Final = "refresh token reused"  # noqa: S105 - a reason
RETRY_AFTER_SECONDS: Final = 60

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionService:
    """Logins.

    Attributes:
        wake_relay: called when a message was committed to the outbox.
    """

    credentials: Credentials
    devices: KnownDeviceService
    repository: SessionRepository
    tokens: TokenIssuer
    links: EmailLinkService
    wake_relay: Callable[[], None]

    async def log_in(
        self, *, email: str, password: str, address: str, origin: Origin, device_token: str | None
    ) -> LoggedIn:
        """Open a session. A user who has not proven the email address is asked to, by email, once a week at most.

        Args:
            address: the caller's network address, for the limit on failures.
            device_token: what an earlier login gave to the device, if any.

        Raises:
            UnverifiedAccount: the password is right, the phone is not verified.
            AccountSuspended: the password is right.
            WrongCredentials, TooManyRequests, Unavailable: see `Credentials.check`.
        """
        user = await self.credentials.check(email=email, password=password, address=address, device_token=device_token)
        if not user.is_verified:
            raise UnverifiedAccount
        logged_in = await self.open(user, origin, password_hash=user.password_hash, device_token=device_token)
        await self.ask_to_verify(user)
        return logged_in

    async def ask_to_verify(self, user: User) -> None:
        """Ask a user who has not proven the email address to do so, by email, once a week at most."""
        if email := user.unproven_email:
            await self.links.ask_to_verify(user_id=user.user_id, email=email)

    async def open(
        self, user: User, origin: Origin, *, password_hash: str | None = None, device_token: str | None = None
    ) -> LoggedIn:
        """Open a session for an authenticated user, with the user's current roles, and remember the device.

        Args:
            password_hash: that of the password that was checked, if the user gave one.

        Raises:
            AccountSuspended.
            WrongCredentials: the password was changed meanwhile, or the account deleted.
            UserNotFound: the account was deleted meanwhile, and no password was checked.
        """
        session_id = uuid.uuid4()
        expires_at = self.tokens.next_access_expiry()
        refresh = self.tokens.refresh_token()
        roles = await self.repository.open(
            session_id=session_id,
            user_id=user.user_id,
            password_hash=password_hash,
            access_expires_at=expires_at,
            refresh=refresh,
            origin=origin,
        )
        if roles is None:
            raise UserNotFound if password_hash is None else WrongCredentials
        access = self.tokens.access_token(
            user_id=user.user_id, session_id=session_id, roles=roles, expires_at=expires_at
        )
        summary = UserSummary.model_validate(replace(user, roles=roles))
        device_token = await self.devices.remember(user.user_id, token=device_token)
        return LoggedIn(**self._pair(access, refresh).model_dump(), user=summary, device_token=device_token)

    async def refresh(self, token: str) -> Tokens:
        """Exchange a refresh token for new tokens with the user's current roles.

        A repetition within seconds gets tokens of its own, while no refresh token of an earlier answer has been used.

        Raises:
            RefreshTokenExpired: it has expired.
            InvalidRefreshToken: it is unknown, its session is over, or it was used before. The last ends the session:
                one of its two holders has stolen it.
            AccountSuspended.
            TooManyRefreshes: the token stays as it is.
        """
        token_hash = RefreshToken.hash_of(token)
        expires_at = self.tokens.next_access_expiry()
        successor = self.tokens.refresh_token()
        session = await self.repository.rotate(token_hash=token_hash, access_expires_at=expires_at, successor=successor)
        if session is None:
            raise await self._refuse(token_hash)
        access = self.tokens.access_token(
            user_id=session.user_id, session_id=session.session_id, roles=session.roles, expires_at=expires_at
        )
        return self._pair(access, successor)

    async def log_out(self, session_id: UUID) -> None:
        """End a session; the gateways refuse its access tokens as soon as they receive the message."""
        await self._revoke(session_id, because=LOGGED_OUT)

    async def list_open(self, caller: Principal) -> list[SessionView]:
        """Return the caller's sessions, the one used last first."""
        return [
            SessionView(
                session_id=session.session_id,
                created_at=session.created_at,
                # Each use gives the session another refresh token.
                last_used_at=max(session.created_at, session.ends_at - self.tokens.refresh_ttl),
                device=session.device,
                network=session.network,
                is_current=session.session_id == caller.session_id,
            )
            for session in await self.repository.list_open(caller.user_id)
        ]

    async def end(self, session_id: UUID, *, user_id: UUID) -> None:
        """End a session of the user; repeatable.

        Raises:
            SessionNotFound: it is another user's, or has ended by itself.
        """
        if not await self.repository.is_own(session_id, user_id=user_id):
            raise SessionNotFound
        await self._revoke(session_id, because=LOGGED_OUT)

    async def end_all(self, user_id: UUID) -> None:
        """End all sessions of the user."""
        await self.repository.revoke_all(user_id, because=LOGGED_OUT)
        self.wake_relay()

    async def list_revoked(self) -> list[Revoked]:
        """Return the revoked sessions with access tokens that have not expired."""
        return await self.repository.list_revoked()

    def _pair(self, access_token: str, refresh: RefreshToken) -> Tokens:
        return Tokens(access_token=access_token, refresh_token=refresh.token, expires_in=self.tokens.access_ttl_seconds)

    async def _refuse(self, token_hash: bytes) -> ServiceError:
        token = await self.repository.find_token(token_hash)
        if token is None:
            return InvalidRefreshToken()
        if token.is_reused:
            logger.warning("session.token_reused", session_id=str(token.session_id))
            await self._revoke(token.session_id, because=TOKEN_REUSED)
            return InvalidRefreshToken()
        if token.is_expired:
            return RefreshTokenExpired()
        if token.is_suspended:
            return AccountSuspended()
        if token.is_revoked:
            return InvalidRefreshToken()
        return TooManyRefreshes(retry_after_seconds=RETRY_AFTER_SECONDS)

    async def _revoke(self, session_id: UUID, *, because: str) -> None:
        await self.repository.revoke(session_id, because=because)
        self.wake_relay()
