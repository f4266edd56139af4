"""Why somebody is not let in."""

from common.errors import Unauthenticated

__all__ = ["InvalidRefreshToken", "RefreshTokenExpired", "WrongCredentials"]


class WrongCredentials(Unauthenticated):
    """The same for an unknown address as for a wrong password."""

    public_message = "The e-mail address or the password is wrong."


class InvalidRefreshToken(Unauthenticated):
    public_message = "The refresh token is not valid. Please log in again."


class RefreshTokenExpired(Unauthenticated):
    code = "TOKEN_EXPIRED"
    public_message = "The refresh token has expired. Please log in again."
