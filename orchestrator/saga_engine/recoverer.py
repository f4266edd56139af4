"""Takes over due sagas. Every process runs a recoverer; SKIP LOCKED shares the work."""

from typing import Final

from common.periodic import PeriodicTask
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import SAGAS_IN_STATE
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.repository import SagaLog

__all__ = ["Recoverer"]

# Every process counts all sagas in progress, which may be tens of thousands: no more often than metrics are scraped.
COUNT_INTERVAL_SECONDS: Final = 5.0


class Recoverer:
    """Takes over due sagas every `interval_seconds`."""

    def __init__(self, engine: SagaEngine, log: SagaLog, *, interval_seconds: float) -> None:
        self._log = log
        self._tasks = (
            PeriodicTask(
                engine.take_over,
                name="saga recoverer",
                interval_seconds=interval_seconds,
                retry_seconds=interval_seconds,
            ),
            PeriodicTask(log.adopt_stuck, self._count, name="saga counts", interval_seconds=COUNT_INTERVAL_SECONDS),
        )

    def start(self) -> None:
        for task in self._tasks:
            task.start()

    async def close(self) -> None:
        for task in self._tasks:
            await task.close()

    async def _count(self) -> None:
        counts = await self._log.count_by_state()
        for state in (SagaState.RUNNING, SagaState.WAITING, SagaState.UNWINDING, SagaState.STUCK):
            SAGAS_IN_STATE.labels(state).set(counts.get(state.value, 0))
