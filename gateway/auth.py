"""Who the bearer of a token is, and whether that login still stands."""

from common.auth.principal import Principal
from common.auth.user_tokens import UserTokenVerifier
from common.errors import Unauthenticated
from gateway.revocations import Revocations

__all__ = ["Authenticator", "SessionRevoked"]


class SessionRevoked(Unauthenticated):
    """The token is genuine, but its owner has logged out."""

    public_message = "That login has ended. Please log in again."


class Authenticator:
    def __init__(self, verifier: UserTokenVerifier, revocations: Revocations) -> None:
        self._verifier = verifier
        self._revocations = revocations

    async def authenticate(self, authorization: bytes) -> Principal:
        """Return who the `Authorization` header speaks for.

        Raises:
            TokenExpired: it was good once.
            Unauthenticated: no token, not one of ours, or of a login that has ended.
            Unavailable: the keys or the ended logins are not known yet.
        """
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        principal = await self._verifier.verify(token)
        if self._revocations.covers(principal.session_id):
            raise SessionRevoked
        return principal
