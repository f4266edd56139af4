"""Coroutines that run in the background for as long as their process serves."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from common.backoff import backoff
from common.telemetry.logs import get_logger
from common.telemetry.metrics import PERIODIC_TASK_FAILURES

__all__ = ["BackgroundTask", "is_being_cancelled", "report_failure"]

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
SETTLED_SECONDS: Final = 60.0
"""A task that ran for so long before its error begins with the first pause again."""

logger = get_logger(__name__)


class BackgroundTask:
    """Runs a coroutine from `start` until `close` cancels it, or until it returns.

    After an error it is logged, counted and run again, with a pause that grows while it keeps failing: nobody waits for the
    task, so an error that ended it would be found when its work is missed.
    """

    def __init__(self, run: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> None:
        self._run = run
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run_again_and_again(), name=self._name)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run_again_and_again(self) -> None:
        pauses = backoff(FIRST_PAUSE_SECONDS, longest_seconds=LONGEST_PAUSE_SECONDS)
        while True:
            began = time.monotonic()
            try:
                return await self._run()
            except asyncio.CancelledError as error:
                if is_being_cancelled():
                    raise
                report_failure(self._name, error)
            except Exception as error:  # noqa: BLE001 - whatever the error, the task continues
                report_failure(self._name, error)
                if is_being_cancelled():
                    return None
            if time.monotonic() - began > SETTLED_SECONDS:
                pauses = backoff(FIRST_PAUSE_SECONDS, longest_seconds=LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(next(pauses))


def is_being_cancelled() -> bool:
    """Return whether the current task must end; otherwise a `CancelledError` comes from what it awaits.

    A lost connection cancels the futures of its pending calls.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def report_failure(task: str, error: BaseException) -> None:
    """Log and count the unexpected failure of a background task."""
    PERIODIC_TASK_FAILURES.labels(task).inc()
    logger.error("background_task.failed", **getattr(error, "private", {}) | {"task": task, "exc_info": error})
