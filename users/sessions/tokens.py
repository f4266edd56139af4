"""Access tokens (JWT, EdDSA, minutes) and refresh tokens (256 random bits, kept as a hash, days)."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt

from common.auth.user_tokens import ACCESS_TOKEN_TYPE, ALGORITHM, AUDIENCE, ISSUER
from users.sessions.keys import SigningKey

__all__ = ["RefreshToken", "TokenIssuer"]

REFRESH_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """`token` goes to the client and nowhere else; only its hash is stored."""

    token: str
    expires_at: datetime

    @property
    def token_hash(self) -> bytes:
        return self.hash_of(self.token)

    @staticmethod
    def hash_of(token: str) -> bytes:
        # The token is random, so it cannot be guessed from a plain hash.
        return hashlib.sha256(token.encode()).digest()


class TokenIssuer:
    def __init__(self, key: SigningKey, *, access_ttl_seconds: int, refresh_ttl_seconds: int) -> None:
        self._key = key
        self.access_ttl_seconds = access_ttl_seconds
        self.refresh_ttl = timedelta(seconds=refresh_ttl_seconds)

    def next_access_expiry(self) -> datetime:
        """Return the expiry of an access token issued now, in whole seconds as in the token."""
        return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=self.access_ttl_seconds)

    def access_token(
        self, *, user_id: uuid.UUID, session_id: uuid.UUID, roles: Iterable[str], expires_at: datetime
    ) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": ACCESS_TOKEN_TYPE,
            "sub": str(user_id),
            "sid": str(session_id),
            "roles": sorted(roles),
            "iat": int(expires_at.timestamp()) - self.access_ttl_seconds,
            "exp": int(expires_at.timestamp()),
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key.private_key, algorithm=ALGORITHM, headers={"kid": self._key.key_id})

    def refresh_token(self) -> RefreshToken:
        return RefreshToken(secrets.token_urlsafe(REFRESH_TOKEN_BYTES), datetime.now(UTC) + self.refresh_ttl)
