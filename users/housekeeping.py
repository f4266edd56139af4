"""Drops what is over: expired sessions and refresh tokens, counted attempts, accounts nobody verified. Every copy does it."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, Protocol

from common.errors import ServiceError
from common.telemetry.logs import get_logger

__all__ = ["Clean", "Housekeeping"]

# Small enough that no delete holds its locks for long; copies skip each other's rows.
BATCH: Final = 1_000

logger = get_logger(__name__)


class Clean(Protocol):
    def __call__(self, *, batch: int) -> Awaitable[int]:
        """Drop up to `batch` rows and return how many."""


class Housekeeping:
    def __init__(self, *chores: Clean, every_seconds: float) -> None:
        self._chores = chores
        self._every_seconds = every_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def clean(self) -> None:
        """Do every chore until nothing is left."""
        for chore in self._chores:
            while await chore(batch=BATCH) == BATCH:
                pass

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                await self.clean()
            except ServiceError as error:
                logger.warning("housekeeping.waits", code=error.code, **error.private)
