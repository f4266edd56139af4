"""`/health` checks the dependencies of a process; `/livez` says only that it runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Health", "HealthCheck", "HealthReport"]

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
    """The checks of one process. A failed `optional` one is reported as degraded, and the process stays healthy."""

    required: dict[str, HealthCheck] = field(default_factory=dict)
    optional: dict[str, HealthCheck] = field(default_factory=dict)

    async def report(self) -> HealthReport:
        required, optional = await asyncio.gather(_outcomes(self.required), _outcomes(self.optional))
        checks = {name: "ok" if passed else "failed" for name, passed in required.items()}
        checks |= {name: "ok" if passed else "degraded" for name, passed in optional.items()}
        return HealthReport(is_healthy=all(required.values()), checks=checks)


async def _outcomes(checks: Mapping[str, HealthCheck]) -> dict[str, bool]:
    passed = await asyncio.gather(*(_passes(check) for check in checks.values()))
    return dict(zip(checks, passed, strict=True))


async def _passes(check: HealthCheck) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            return await check()
    except Exception:  # noqa: BLE001 - whatever the error, the dependency is not healthy
        return False
