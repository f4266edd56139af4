"""Refusals that many routes share, for OpenAPI: HTTP status to error codes."""

from typing import Final

UPSTREAM: Final = {429: "RATE_LIMITED", 503: "SERVICE_UNAVAILABLE", 504: "UPSTREAM_TIMEOUT"}
COMMON: Final = UPSTREAM | {400: "VALIDATION_ERROR, INVALID_UUID", 401: "UNAUTHORIZED, TOKEN_EXPIRED"}
ADMIN: Final = COMMON | {403: "FORBIDDEN"}
IDEMPOTENT: Final = {422: "IDEMPOTENCY_KEY_REUSED"}
"""Of routes that take an `Idempotency-Key`."""
