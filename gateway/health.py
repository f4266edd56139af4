"""The gateway's `/health`. It is public, and each report costs calls to services, so reports are cached."""

import asyncio
import time

from common.health import Health, HealthCheck, HealthReport


class SharedHealth(Health):
    """Runs its checks at most once in `cache_seconds`."""

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
