"""Limits the requests and live connections that a caller may start per minute, in fixed windows.

Not by the library `limits`: its memory storage looks at every key on each hit (153 µs with 2,000 callers, and growing),
and its Redis storage makes three requests per hit where one pipeline suffices.
"""

import hashlib
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from common.addresses import network_of
from common.errors import TooManyRequests
from common.telemetry.logs import get_logger

__all__ = ["MemoryLimiter", "Quota", "RateLimiter", "RedisLimiter", "anonymous", "buying", "known", "refreshing", "require",
           "scanning"]  # fmt: skip

WINDOW_SECONDS: Final = 60
REDIS_CONNECTIONS: Final = 32
REDIS_SECONDS: Final = 0.25  # a request must not wait long for its count
UNAVAILABLE_SECONDS: Final = 2.0  # how long Redis is not used after a failure

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Quota:
    """A caller's remaining requests after this one; below zero, this request is refused."""

    limit: int
    remaining: int
    reset_seconds: int

    def require(self) -> None:
        """Refuse the request if it exceeds the limit.

        Raises:
            TooManyRequests: with the time until the next window.
        """
        if self.remaining < 0:
            raise TooManyRequests(retry_after_seconds=self.reset_seconds)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-06."""
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % max(self.remaining, 0)),
            (b"ratelimit-reset", b"%d" % self.reset_seconds),
        ]


def anonymous(address: str) -> str:
    """Return the key under which an anonymous caller is counted."""
    return f"ip:{network_of(address)}"


def known(user_id: uuid.UUID) -> str:
    return f"user:{user_id}"


def scanning(user_id: uuid.UUID) -> str:
    """Return the key under which a staff member's scans are counted."""
    return f"scans:{user_id}"


def buying(user_id: uuid.UUID) -> str:
    """Return the key under which a user's purchases from performers are counted."""
    return f"purchases:{user_id}"


def refreshing(authorization: bytes) -> str:
    """Return the key under which the uses of a refresh token are counted."""
    return f"refresh:{hashlib.blake2b(authorization, digest_size=16).hexdigest()}"


class RateLimiter(Protocol):
    async def hit(self, caller: str, *, limit: int | None = None) -> Quota:
        """Count a request of the caller against `limit`, or against the usual limit when omitted."""

    async def close(self) -> None: ...


async def require(limiter: RateLimiter | None, caller: str) -> None:
    """Count a request, and refuse it if it exceeds the limit.

    Raises:
        TooManyRequests: it does.
    """
    if limiter is not None:
        (await limiter.hit(caller)).require()


class MemoryLimiter:
    """Counts in this process. The counts are dropped at the end of their window."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window = 0
        self._counts: Counter[str] = Counter()

    async def hit(self, caller: str, *, limit: int | None = None) -> Quota:
        limit = limit or self._limit
        window, reset_seconds = _window()
        if window != self._window:
            self._window = window
            self._counts = Counter()
        self._counts[caller] += 1
        return Quota(limit, limit - self._counts[caller], reset_seconds)

    async def close(self) -> None:
        self._counts.clear()


class RedisLimiter:
    """Counts for all gateways together. While Redis is unavailable each counts alone, so that requests are still served."""

    def __init__(self, limit: int, redis_url: str) -> None:
        self._limit = limit
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                redis_url,
                max_connections=REDIS_CONNECTIONS,
                timeout=REDIS_SECONDS,
                socket_timeout=REDIS_SECONDS,
                socket_connect_timeout=REDIS_SECONDS,
            )
        )
        self._fallback = MemoryLimiter(limit)
        self._unavailable_until = 0.0

    async def hit(self, caller: str, *, limit: int | None = None) -> Quota:
        limit = limit or self._limit
        if time.monotonic() < self._unavailable_until:
            return await self._fallback.hit(caller, limit=limit)
        window, reset_seconds = _window()
        key = f"ratelimit:{caller}:{window}"
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, 2 * WINDOW_SECONDS)
                count, _ = await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("limits.redis_unavailable", reason=repr(error))
            self._unavailable_until = time.monotonic() + UNAVAILABLE_SECONDS
            return await self._fallback.hit(caller, limit=limit)
        return Quota(limit, limit - int(count), reset_seconds)

    async def close(self) -> None:
        await self._redis.aclose()


def _window() -> tuple[int, int]:
    """Return the number of the current window, and the seconds until the next."""
    now = int(time.time())
    return now // WINDOW_SECONDS, WINDOW_SECONDS - now % WINDOW_SECONDS
