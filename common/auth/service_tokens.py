"""Tokens between services: short-lived, signed with the platform's secret, for one audience each."""

import time
from typing import Final

import jwt
from cachetools import LRUCache
from pydantic import SecretStr

from common.errors import Forbidden, Unauthenticated

__all__ = ["ServiceTokens"]

ALGORITHM: Final = "HS256"
TOKEN_TYPE: Final = "service"  # noqa: S105 - a claim, not a secret
LIFETIME_SECONDS: Final = 300
RENEW_BEFORE_SECONDS: Final = 60  # so that no token expires before the callee checks it
CACHED_TOKENS: Final = 1_000
CLOCK_SKEW_SECONDS: Final = 5  # between two hosts' clocks


class ServiceTokens:
    """Issues this service's tokens and verifies its callers'."""

    def __init__(self, *, service: str, secret: SecretStr) -> None:
        self._service = service
        self._secret = secret.get_secret_value()
        self._issued: dict[str, tuple[str, float]] = {}
        self._verified: LRUCache[str, tuple[str, float]] = LRUCache(CACHED_TOKENS)

    def issue(self, audience: str) -> str:
        """Return a token for calling `audience`, renewed a minute before it expires."""
        token, expires_at = self._issued.get(audience, ("", 0.0))
        now = time.time()
        if now > expires_at - RENEW_BEFORE_SECONDS:
            expires_at = now + LIFETIME_SECONDS
            claims = {"iss": self._service, "aud": audience, "typ": TOKEN_TYPE, "iat": now, "exp": expires_at}
            token = jwt.encode(claims, self._secret, algorithm=ALGORITHM)
            self._issued[audience] = (token, expires_at)
        return token

    def verify(self, token: str) -> str:
        """Return the calling service's name.

        Raises:
            Unauthenticated: the token is missing, invalid or expired.
            Forbidden: the token is of another type or for another service.
        """
        caller, expires_at = self._verified.get(token, ("", 0.0))
        if time.time() < expires_at:
            return caller
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=self._service,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["iss", "exp", "typ"]},
            )
        except jwt.InvalidAudienceError as error:
            raise Forbidden("That token is for another service.") from error
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("A service token is required.") from error
        if claims["typ"] != TOKEN_TYPE:
            raise Forbidden("That is not a service token.")
        self._verified[token] = (claims["iss"], float(claims["exp"]))
        return str(claims["iss"])
