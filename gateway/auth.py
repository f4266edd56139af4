"""Authenticates users by their access tokens, and refuses those whose login has ended."""

from dataclasses import dataclass

from common.auth.principal import Principal
from common.auth.user_tokens import UserTokenVerifier
from common.errors import Unauthenticated
from common.http.auth import bearer_of
from gateway.revocations import Revocations


class SessionRevoked(Unauthenticated):
    """The token is valid, but its user has logged out."""

    public_message = "That login has ended. Please log in again."


@dataclass(frozen=True, slots=True)
class Authenticator:
    _verifier: UserTokenVerifier
    _revocations: Revocations

    async def authenticate(self, authorization: bytes) -> Principal:
        """Return the user of the `Authorization` header's token.

        Raises:
            TokenExpired: the token has expired.
            Unauthenticated: the token is missing or invalid, or its login has ended.
            Unavailable: the keys or the ended logins are not known yet.
        """
        principal = await self._verifier.verify(bearer_of(authorization.decode("latin-1")))
        if self._revocations.covers(principal.session_id):
            raise SessionRevoked
        return principal
