"""Verifies users' access tokens (JWT, EdDSA) against the users service's published keys (JWKS)."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import jwt
import orjson
from cachetools import LRUCache
from jwt.utils import base64url_decode

from common.auth.principal import Principal
from common.errors import Unauthenticated

__all__ = ["ACCESS_TOKEN_TYPE", "ALGORITHM", "AUDIENCE", "ISSUER", "KeySource", "TokenExpired", "UserTokenVerifier"]

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "ticketremaster-users"
AUDIENCE: Final = "ticketremaster"
ACCESS_TOKEN_TYPE: Final = "access"  # noqa: S105 - a claim, not a secret
CACHED_TOKENS: Final = 50_000
CLOCK_SKEW_SECONDS: Final = 5
# An unknown key id reloads the keys, but not once per forged token.
KEY_REFRESH_SECONDS: Final = 5.0

KeySource = Callable[[], Awaitable[dict[str, Any]]]
"""Returns a JWK set: ``{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": …, "x": …}]}``."""


class TokenExpired(Unauthenticated):
    code = "TOKEN_EXPIRED"
    public_message = "The token has expired. Please refresh it."


class UserTokenVerifier:
    """Checks signature, algorithm, issuer, audience, type and expiry. Verified tokens are cached."""

    def __init__(self, fetch_keys: KeySource) -> None:
        self._fetch_keys = fetch_keys
        self._keys: dict[str, jwt.PyJWK] = {}
        self._keys_fetched_at = -KEY_REFRESH_SECONDS
        self._fetching = asyncio.Lock()
        self._verified: LRUCache[str, Principal] = LRUCache(CACHED_TOKENS)

    async def verify(self, token: str) -> Principal:
        """Return the token's user.

        Raises:
            TokenExpired: the token has expired.
            Unauthenticated: the token is invalid.
            Unavailable: the keys cannot be fetched.
        """
        known = self._verified.get(token)
        if known is None:
            known = self._decode(token, await self._key_for(token))
            self._verified[token] = known
        if known.expires_at <= datetime.now(UTC):
            raise TokenExpired
        return known

    async def _key_for(self, token: str) -> jwt.PyJWK:
        header = _header_of(token)
        key_id = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
            raise Unauthenticated("The token is not valid.", algorithm=header.get("alg"))
        if key_id not in self._keys:
            await self._refresh_keys()
        if key_id not in self._keys:
            raise Unauthenticated("The token is not valid.", key_id=key_id)
        return self._keys[key_id]

    async def _refresh_keys(self) -> None:
        async with self._fetching:
            if time.monotonic() - self._keys_fetched_at < KEY_REFRESH_SECONDS:
                return
            key_set = jwt.PyJWKSet.from_dict(await self._fetch_keys())
            self._keys = {key.key_id: key for key in key_set.keys if key.key_id}
            self._keys_fetched_at = time.monotonic()

    def _decode(self, token: str, key: jwt.PyJWK) -> Principal:
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=CLOCK_SKEW_SECONDS,  # for `iat`; `exp` is checked to the second by `verify`
                options={"require": ["exp", "iat", "sub", "sid", "typ"]},
            )
            if claims["typ"] != ACCESS_TOKEN_TYPE:
                raise Unauthenticated("That is not an access token.")
            return Principal(
                user_id=uuid.UUID(claims["sub"]),
                roles=frozenset(claims.get("roles", ())),
                session_id=uuid.UUID(claims["sid"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired from error
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise Unauthenticated("The token is not valid.") from error


def _header_of(token: str) -> dict[str, Any]:
    """Return the unverified header. PyJWT would decode the whole token for it a second time."""
    try:
        header = orjson.loads(base64url_decode(token.partition(".")[0]))
    except ValueError as error:
        raise Unauthenticated("The token is not valid.") from error
    if not isinstance(header, dict):
        raise Unauthenticated("The token is not valid.")
    return header
