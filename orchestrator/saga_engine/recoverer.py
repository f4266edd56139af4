"""Takes over sagas whose wait has ended or whose owner is gone. Every process runs one; SKIP LOCKED shares the work."""

import asyncio
from contextlib import suppress
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import SAGAS_IN_STATE
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.repository import SagaLog

__all__ = ["Recoverer"]

# Every process counts all living sagas, tens of thousands in a rush: as often as somebody reads the figures.
COUNT_EVERY_SECONDS: Final = 5.0

logger = get_logger(__name__)


class Recoverer:
    """Looks every `interval_seconds`, and as soon as a saga it took over has come to rest."""

    def __init__(self, engine: SagaEngine, log: SagaLog, *, interval_seconds: float) -> None:
        self._engine = engine
        self._log = log
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None
        self._count_at = 0.0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="saga recoverer")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._engine.take_over()
                await self._count()
            except ServiceError as error:
                logger.warning("recoverer.waits", **(error.private | {"code": error.code}))
            except Exception:
                logger.exception("recoverer.stumbled")
            await asyncio.sleep(self._interval_seconds)

    async def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._count_at:
            return
        self._count_at = now + COUNT_EVERY_SECONDS
        counts = await self._log.count_by_state()
        for state in (SagaState.RUNNING, SagaState.WAITING, SagaState.UNWINDING, SagaState.STUCK):
            SAGAS_IN_STATE.labels(state).set(counts.get(state.value, 0))
