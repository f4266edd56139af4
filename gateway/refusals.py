"""Limits the senders of refused requests, where those that succeed are not limited by address.

Accepted webhooks are not limited, because providers send in bursts from a few addresses. Nor are the logins that succeed:
many users share the address of a venue's network, and the users service limits each of them. Refused ones are limited per
sender, like any anonymous caller's requests per minute, and apart from these. The sender is the address; of a refresh, it
is the token, so that a client with a dead token does not end the logins of its neighbours.
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
from gateway.limits import WINDOW_SECONDS, RateLimiter

__all__ = ["RefusalLimiter"]

MAX_SENDERS: Final = 10_000


class RefusalLimiter:
    """Blocks a sender for the rest of the minute after too many refusals.

    Args:
        limiter: None if rate limits are off.
        scope: keeps its counts apart from others.
        statuses: of the responses that are refusals.
    """

    def __init__(self, limiter: RateLimiter | None, *, scope: str, statuses: frozenset[HTTPStatus]) -> None:
        self._limiter = limiter
        self._scope = scope
        self._statuses = statuses
        self._blocked_until: TTLCache[str, float] = TTLCache(MAX_SENDERS, WINDOW_SECONDS)

    def is_blocked(self, sender: str) -> bool:
        return self._seconds_left(sender) > 0

    def require_allowed(self, sender: str) -> None:
        """Refuse a blocked sender.

        Raises:
            TooManyRequests: with the time until the block ends.
        """
        if self.is_blocked(sender):
            raise TooManyRequests(retry_after_seconds=int(self._seconds_left(sender)) + 1)

    @asynccontextmanager
    async def count_refusal(self, sender: str, send: Send) -> AsyncIterator[Send]:
        """Count the request if the gateway refuses it, or the service, as the `send` returned sees."""
        try:
            yield self._observe(sender, send)
        except (BodyTooLarge, InvalidRequest):
            await self._count(sender)
            raise

    def _observe(self, sender: str, send: Send) -> Send:
        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in self._statuses:
                await self._count(sender)
            await send(message)

        return send_and_count

    async def _count(self, sender: str) -> None:
        if self._limiter is None:
            return
        quota = await self._limiter.hit(f"{self._scope}:{sender}")
        if quota.remaining <= 0:
            self._blocked_until[sender] = time.monotonic() + quota.reset_seconds

    def _seconds_left(self, sender: str) -> float:
        return self._blocked_until.get(sender, 0.0) - time.monotonic()
