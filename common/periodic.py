"""Work that is done again and again in the background, and survives a database or service that is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

from common.errors import ServiceError, Unavailable
from common.telemetry.logs import get_logger

__all__ = ["RETRY_SECONDS", "PeriodicTask", "repeat_while_full"]

RETRY_SECONDS: Final = 5.0

logger = get_logger(__name__)


class PeriodicTask:
    """Runs its work every `interval_seconds` until it is closed. A failed run is logged, and the next one tries again.

    Args:
        work: what to do, at any time and in several processes at once. One that fails does not stop the others.
        interval_seconds: the pause between the end of a run and the next one.
        retry_seconds: the pause after a run that met an unavailable database or service, if that is shorter.
        is_aligned: begin runs at multiples of the interval since 1970, so that all processes begin at the same moment.
    """

    def __init__(
        self,
        *work: Callable[[], Awaitable[object]],
        name: str,
        interval_seconds: float,
        retry_seconds: float = RETRY_SECONDS,
        is_aligned: bool = False,
    ) -> None:
        self._work = work
        self._name = name
        self._interval_seconds = interval_seconds
        self._retry_seconds = retry_seconds
        self._is_aligned = is_aligned
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
            were_available = [await self._was_available(work) for work in self._work]
            pause_seconds = self._seconds_to_next_run()
            if not all(were_available):
                pause_seconds = min(pause_seconds, self._retry_seconds)
            await asyncio.sleep(pause_seconds)

    async def _was_available(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Run it once; False if a database or service it needs was unavailable."""
        try:
            await work()
        except ServiceError as error:
            logger.warning("periodic_task.waits", task=self._name, **(error.private | {"code": error.code}))
            return not isinstance(error, Unavailable)
        except Exception:
            logger.exception("periodic_task.failed", task=self._name)
        return True

    def _seconds_to_next_run(self) -> float:
        elapsed_seconds = time.time() % self._interval_seconds if self._is_aligned else 0.0
        return self._interval_seconds - elapsed_seconds


class BatchWork(Protocol):
    def __call__(self, *, batch: int) -> Awaitable[int]:
        """Handle up to `batch` rows and return how many."""


async def repeat_while_full(work: BatchWork, *, batch: int) -> None:
    """Repeat work on batches until one is not full."""
    while await work(batch=batch) == batch:
        pass
