"""The refusals of the API as exceptions."""

from typing import Any, Final

import httpx
from pydantic import ValidationError

from ticketremaster_client.generated.models import ErrorBody


class ApiError(Exception):
    """The API refused a call. `code` is stable and one of `codes`, `message` is for users.

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


class PaymentRequired(ApiError):
    """402: the wallet does not cover it."""


class Forbidden(ApiError):
    """403."""


class NotFound(ApiError):
    """404: it does not exist, or belongs to another user."""


class Conflict(ApiError):
    """409: another call, or the present state, excludes this one."""


class Gone(ApiError):
    """410: it has expired or was deleted."""


class RateLimited(ApiError):
    """429: too many requests. None of them had an effect."""


class Unavailable(ApiError):
    """502, 503 or 504: the platform, or a part of it, does not respond. The call may have had its effect."""


class StillProcessing(Exception):
    """The work goes on in the background. `data` has the ids by which its outcome can be read."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__("The work goes on in the background.")
        self.data = data


class NoAnswer(Exception):
    """The connection failed. The call may have had its effect."""


_BY_STATUS: Final = {
    401: Unauthenticated, 402: PaymentRequired, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone, 429: RateLimited,
    502: Unavailable, 503: Unavailable, 504: Unavailable,
}  # fmt: skip


def error_of(response: httpx.Response) -> ApiError:
    """Return the exception of an error response, even of one that is not the API's own, such as a proxy's."""
    kind = _BY_STATUS.get(response.status_code, ApiError)
    retry_after = seconds_of(response.headers.get("Retry-After"))
    try:
        body = ErrorBody.model_validate_json(response.content)
    except ValidationError:
        return kind(
            status=response.status_code, code="UNKNOWN", message=response.reason_phrase, retry_after=retry_after
        )
    return kind(
        status=response.status_code,
        code=body.error_code,
        message=body.message,
        details=body.details,
        correlation_id=body.correlation_id,
        retry_after=retry_after,
    )


def seconds_of(text: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header; the API does not send dates."""
    return float(text) if text is not None and text.isdecimal() else None
