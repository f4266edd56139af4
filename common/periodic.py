"""Work repeated in the background. It continues after a database or service was unavailable."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from common.background import BackgroundTask, is_being_cancelled, report_failure
from common.errors import Unavailable
from common.telemetry.logs import get_logger

__all__ = ["RETRY_SECONDS", "PeriodicTask", "repeat_while_full"]

RETRY_SECONDS: Final = 5.0

logger = get_logger(__name__)


class PeriodicTask(BackgroundTask):
    """Runs its work every `interval_seconds` until it is closed. A failed run is logged and counted, and ends nothing.

    Args:
        work: coroutine functions that may run in several processes at once. If one fails, the others still run.
        interval_seconds: the pause between the end of a run and the next one.
        retry_seconds: the pause after a run for which a database or service was unavailable, if that is shorter.
        is_aligned: start runs at multiples of the interval since 1970, so that all processes start at the same time.
    """

    def __init__(
        self,
        *work: Callable[[], Awaitable[object]],
        name: str,
        interval_seconds: float,
        retry_seconds: float = RETRY_SECONDS,
        is_aligned: bool = False,
    ) -> None:
        super().__init__(self._repeat, name=name)
        self._work = work
        self._interval_seconds = interval_seconds
        self._retry_seconds = retry_seconds
        self._is_aligned = is_aligned

    async def _repeat(self) -> None:
        while True:
            were_available = [await self._was_available(work) for work in self._work]
            pause_seconds = self._seconds_to_next_run()
            if not all(were_available):
                pause_seconds = min(pause_seconds, self._retry_seconds)
            await asyncio.sleep(pause_seconds)

    async def _was_available(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Run the work once; return False if a database or service was unavailable."""
        try:
            await work()
        except Unavailable as error:
            logger.warning(
                "periodic_task.retry_scheduled", **(error.private | {"task": self._name, "code": error.code})
            )
            return False
        except (Exception, asyncio.CancelledError) as error:
            if is_being_cancelled():
                raise
            report_failure(self._name, error)
        return True

    def _seconds_to_next_run(self) -> float:
        elapsed_seconds = time.time() % self._interval_seconds if self._is_aligned else 0.0
        return self._interval_seconds - elapsed_seconds


class BatchWork(Protocol):
    def __call__(self, *, batch: int) -> Awaitable[int]:
        """Handle up to `batch` rows and return how many."""


async def repeat_while_full(work: BatchWork, *, batch: int, limit_seconds: float = math.inf) -> None:
    """Repeat the work until a batch is not full, or `limit_seconds` have passed."""
    ends_at = time.monotonic() + limit_seconds
    while await work(batch=batch) == batch and time.monotonic() < ends_at:
        pass
