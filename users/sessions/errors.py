"""The refusals of refresh tokens."""

from common.errors import NotFound, TooManyRequests, Unauthenticated


class SessionNotFound(NotFound):
    public_message = "There is no such session."


class InvalidRefreshToken(Unauthenticated):
    public_message = "The refresh token is not valid. Please log in again."


class RefreshTokenExpired(Unauthenticated):
    code = "TOKEN_EXPIRED"
    public_message = "The refresh token has expired. Please log in again."


class TooManyRefreshes(TooManyRequests):
    public_message = "This login was refreshed too often. Please try again later."
