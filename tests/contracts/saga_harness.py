"""The harness that runs scenarios with faults."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orchestrator.saga_engine.observer import LoggingObserver, Observer
from tests.contracts.faults import Faults
from tests.contracts.saga_run import EngineFactory, SagaRun
from tests.contracts.scenario import Scenario


@dataclass(frozen=True)
class SagaHarness:
    """A saga log, the real services, and a scenario for each kind of saga."""

    engines: EngineFactory
    prepare: Callable[[str], Awaitable[Scenario]]

    async def new_run(
        self, kind: str, faults: Faults | None = None, *, observer: Observer | None = None, ends_at_wait: str = ""
    ) -> SagaRun:
        """Return a new scenario that has not run yet."""
        return SagaRun(
            engines=self.engines,
            scenario=await self.prepare(kind),
            faults=faults or Faults(),
            observer=observer or LoggingObserver(),
            ends_at_wait=ends_at_wait,
        )
