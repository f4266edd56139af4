"""The refusals of the API as exceptions."""

from typing import Any

import httpx


class ApiError(Exception):
    """The API refused a call. `code` is stable, `message` is for people.

    `retry_after` is the number of seconds after which the API asks to be called again, if it does.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        message: str,
        details: dict[str, Any] | None = None,
        correlation_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.correlation_id = correlation_id
        self.retry_after = retry_after


class Unauthenticated(ApiError):
    """401: log in again."""


class RateLimited(ApiError):
    """429: too many requests. None of them had an effect."""


class Unavailable(ApiError):
    """502, 503 or 504: the platform, or a part of it, does not respond. The call may have had its effect."""


class NoAnswer(Exception):
    """The connection failed. The call may have had its effect."""


_BY_STATUS = {401: Unauthenticated, 429: RateLimited, 502: Unavailable, 503: Unavailable, 504: Unavailable}


def error_of(response: httpx.Response) -> ApiError:
    """Return the exception of an error response, also of one that is not the API's own, such as a proxy's."""
    try:
        body = response.json()
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else {}
    return _BY_STATUS.get(response.status_code, ApiError)(
        status=response.status_code,
        code=str(told.get("error_code") or "UNKNOWN"),
        message=str(told.get("message") or response.reason_phrase),
        details=told.get("details"),
        correlation_id=str(told.get("correlation_id") or response.headers.get("X-Correlation-ID", "")),
        retry_after=_seconds(response.headers.get("Retry-After")),
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
