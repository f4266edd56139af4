"""Answers that many routes share, for OpenAPI: HTTP status to error codes, or to the body."""

from typing import Any, Final

from common.http.envelope import Success
from orchestrator.http.schemas import InProgress

UPSTREAM: Final = {429: "RATE_LIMITED", 503: "SERVICE_UNAVAILABLE", 504: "UPSTREAM_TIMEOUT"}
COMMON: Final = UPSTREAM | {400: "VALIDATION_ERROR, INVALID_UUID", 401: "UNAUTHORIZED, TOKEN_EXPIRED"}
ADMIN: Final = COMMON | {403: "FORBIDDEN"}
IDEMPOTENT: Final = {422: "IDEMPOTENCY_KEY_REUSED"}
"""Of routes that take an `Idempotency-Key`."""
IN_PROGRESS: Final[dict[int | str, dict[str, Any]]] = {202: {"model": Success[InProgress]}}
"""Of routes that may exceed the request's budget."""
