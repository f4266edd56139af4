"""`/health` on the public door: asked by load balancers and by anybody else, and each answer costs calls to services."""

import asyncio
import time

from common.health import Health, HealthCheck, HealthReport

__all__ = ["SharedHealth"]


class SharedHealth(Health):
    """Runs its checks once in `cache_seconds` at most, for everybody who asks in that time."""

    def __init__(
        self, *, required: dict[str, HealthCheck], optional: dict[str, HealthCheck], cache_seconds: float
    ) -> None:
        super().__init__(required=required, optional=optional)
        self._cache_seconds = cache_seconds
        self._checking = asyncio.Lock()
        self._latest = HealthReport(is_healthy=False, checks={})
        self._good_until = 0.0

    async def report(self) -> HealthReport:
        async with self._checking:
            if time.monotonic() >= self._good_until:
                self._latest = await super().report()
                self._good_until = time.monotonic() + self._cache_seconds
        return self._latest
