"""Senders of webhooks that are refused.

Providers send in bursts, from a few addresses, and are never counted. Whoever sends what is refused, for its signature,
its age, its size or because it never ends, may do so as often in a minute as anybody may ask anything.
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
REMEMBERED: Final = 10_000


class RejectedWebhookLimiter:
    """Shuts senders out for the rest of the minute once too many of their webhooks were refused.

    Args:
        limiter: None when limits are switched off.
    """

    def __init__(self, limiter: RateLimiter | None) -> None:
        self._limiter = limiter
        self._until: TTLCache[str, float] = TTLCache(REMEMBERED, WINDOW_SECONDS)

    def require_honest(self, client: str) -> None:
        """Refuse who is shut out.

        Raises:
            TooManyRequests: says when to come back.
        """
        left = self._until.get(anonymous(client), 0.0) - time.monotonic()
        if left > 0:
            raise TooManyRequests(retry_after_seconds=int(left) + 1)

    @asynccontextmanager
    async def watch(self, client: str, send: Send) -> AsyncIterator[Send]:
        """Count what is refused meanwhile: by the service, which is seen by the `send` it is given, or by us."""
        try:
            yield self._noting(client, send)
        except (BodyTooLarge, InvalidRequest):
            await self._count(anonymous(client))
            raise

    def _noting(self, client: str, send: Send) -> Send:
        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSALS:
                await self._count(anonymous(client))
            await send(message)

        return send_and_note

    async def _count(self, caller: str) -> None:
        if self._limiter is None:
            return
        quota = await self._limiter.hit(f"forger:{caller}")
        if quota.remaining <= 0:
            self._until[caller] = time.monotonic() + quota.reset_seconds
