"""Housekeeping that is done again and again, and survives a database that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from common.errors import Unavailable
from common.telemetry.logs import get_logger

__all__ = ["Repeater"]

logger = get_logger(__name__)


class Repeater:
    """Runs `work` every `interval_seconds`; a run that fails is logged, and the next one tries again."""

    def __init__(self, work: Callable[[], Awaitable[object]], *, name: str, interval_seconds: float) -> None:
        self._work = work
        self._name = name
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
            except Unavailable as error:
                logger.warning("repeater.waits", work=self._name, reason=error.private.get("reason"))
            except Exception:  # the next run may do better
                logger.exception("repeater.failed", work=self._name)
            await asyncio.sleep(self._interval_seconds)
