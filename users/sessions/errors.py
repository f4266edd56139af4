"""The refusals of refresh tokens."""

from common.errors import NotFound, Unauthenticated


class SessionNotFound(NotFound):
    public_message = "There is no such session."


class InvalidRefreshToken(Unauthenticated):
    public_message = "The refresh token is not valid. Please log in again."


class RefreshTokenExpired(Unauthenticated):
    code = "TOKEN_EXPIRED"
    public_message = "The refresh token has expired. Please log in again."
