"""Limits the senders of rejected webhooks.

Accepted webhooks are not limited, because providers send in bursts from a few addresses. Webhooks rejected for their
signature, age or size, or because they do not end, are limited like any caller's requests per minute.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from cachetools import TTLCache
from starlette.types import Message, Send

from common.errors import InvalidRequest, TooManyRequests
from common.http.middleware import BodyTooLarge
from gateway.limits import WINDOW_SECONDS, RateLimiter, anonymous

__all__ = ["RejectedWebhookLimiter"]

REFUSALS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
MAX_CALLERS: Final = 10_000


class RejectedWebhookLimiter:
    """Blocks a sender for the rest of the minute after too many rejected webhooks.

    Args:
        limiter: None if rate limits are off.
    """

    def __init__(self, limiter: RateLimiter | None) -> None:
        self._limiter = limiter
        self._blocked_until: TTLCache[str, float] = TTLCache(MAX_CALLERS, WINDOW_SECONDS)

    def require_allowed(self, client: str) -> None:
        """Refuse a blocked sender.

        Raises:
            TooManyRequests: with the time until the block ends.
        """
        seconds_left = self._blocked_until.get(anonymous(client), 0.0) - time.monotonic()
        if seconds_left > 0:
            raise TooManyRequests(retry_after_seconds=int(seconds_left) + 1)

    @asynccontextmanager
    async def count_rejection(self, client: str, send: Send) -> AsyncIterator[Send]:
        """Count the webhook if the gateway rejects it, or the service, as the `send` returned sees."""
        try:
            yield self._observe(client, send)
        except (BodyTooLarge, InvalidRequest):
            await self._count(anonymous(client))
            raise

    def _observe(self, client: str, send: Send) -> Send:
        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSALS:
                await self._count(anonymous(client))
            await send(message)

        return send_and_count

    async def _count(self, caller: str) -> None:
        if self._limiter is None:
            return
        quota = await self._limiter.hit(f"rejected-webhooks:{caller}")
        if quota.remaining <= 0:
            self._blocked_until[caller] = time.monotonic() + quota.reset_seconds
