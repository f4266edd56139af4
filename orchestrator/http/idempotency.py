"""The `Idempotency-Key` header of the orchestrator's routes."""

from common.http.idempotency_key import IdempotencyKey

__all__ = ["IdempotencyKey"]
