"""Does what has to be done now and then to rows that nobody touches any more."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from common.errors import Unavailable
from common.telemetry.logs import get_logger

__all__ = ["Retention"]

EVERY_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 5.0

logger = get_logger(__name__)


class Retention:
    """Does chores again and again; one that fails keeps none of the others from being done.

    Args:
        chores: may be done at any time, by several processes at once.
        every_seconds: between two rounds.
        retry_seconds: the same, when the database could not be reached.
    """

    def __init__(
        self,
        *chores: Callable[[], Awaitable[None]],
        every_seconds: float = EVERY_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._chores = chores
        self._every_seconds = every_seconds
        self._retry_seconds = retry_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="retention")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            were_possible = [await self._was_possible(chore) for chore in self._chores]
            await asyncio.sleep(self._every_seconds if all(were_possible) else self._retry_seconds)

    async def _was_possible(self, chore: Callable[[], Awaitable[None]]) -> bool:
        """Do it; False when it is worth trying again soon."""
        try:
            await chore()
        except Unavailable as error:
            logger.warning("retention.waits", code=error.code, **error.private)
            return False
        except Exception:
            logger.exception("retention.failed")
        return True
