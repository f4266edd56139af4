"""`/health` checks the dependencies of a process; `/livez` says only that it runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CachedHealth", "Health", "HealthCheck", "HealthReport"]

HealthCheck = Callable[[], Awaitable[bool]]
CHECK_TIMEOUT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    is_healthy: bool
    checks: Mapping[str, str]  # name -> "ok", "failed" or "degraded"

    def as_json(self) -> dict[str, object]:
        return {"status": "healthy" if self.is_healthy else "unhealthy", "checks": dict(self.checks)}


@dataclass(slots=True)
class Health:
    """The checks of one process. A failed `optional` one is reported as degraded, and the process stays healthy.

    A check of another process asks for its `/livez`, or for a status that it has stored: no check causes another.
    """

    required: dict[str, HealthCheck] = field(default_factory=dict)
    optional: dict[str, HealthCheck] = field(default_factory=dict)

    async def report(self) -> HealthReport:
        required, optional = await asyncio.gather(_outcomes(self.required), _outcomes(self.optional))
        checks = {name: "ok" if passed else "failed" for name, passed in required.items()}
        checks |= {name: "ok" if passed else "degraded" for name, passed in optional.items()}
        return HealthReport(is_healthy=all(required.values()), checks=checks)


class CachedHealth:
    """Runs the checks at most once in `cache_seconds`, however many requests there are: each costs calls and queries."""

    def __init__(self, health: Health, *, cache_seconds: float) -> None:
        self._health = health
        self._cache_seconds = cache_seconds
        self._checking = asyncio.Lock()
        self._latest = HealthReport(is_healthy=False, checks={})
        self._good_until = 0.0

    async def report(self) -> HealthReport:
        async with self._checking:
            if time.monotonic() >= self._good_until:
                self._latest = await self._health.report()
                self._good_until = time.monotonic() + self._cache_seconds
        return self._latest


async def _outcomes(checks: Mapping[str, HealthCheck]) -> dict[str, bool]:
    passed = await asyncio.gather(*(_passes(check) for check in checks.values()))
    return dict(zip(checks, passed, strict=True))


async def _passes(check: HealthCheck) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            return await check()
    except Exception:  # noqa: BLE001 - whatever the error, the dependency is not healthy
        return False
