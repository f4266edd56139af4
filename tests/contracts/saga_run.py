"""One saga, run to its end in spite of faults: a new replica of the engine takes each turn."""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from common.errors import ServiceError
from common.messaging.outbox import OutboxRelay
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.observer import LoggingObserver, Observer, StepMoment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from orchestrator.saga_engine.repository import SagaLog
from tests.contracts.faults import Faults, faulty
from tests.contracts.scenario import Scenario

__all__ = ["CrashAt", "EngineFactory", "PauseAt", "SagaRun"]

# Far more than any saga needs, including a step that is retried several times.
MAX_ROUNDS: Final = 100
BUDGET_SECONDS: Final = 30.0

_MAKE_DUE: Final = text("UPDATE sagas SET due_at = now() - interval '1 second' WHERE saga_id = :saga_id")


class Crashed(BaseException):
    """A crash as seen from inside: no code runs after it, and no handler catches it."""


class CrashAt(LoggingObserver):
    """Crashes once, when a step reaches a moment."""

    def __init__(self, moment: StepMoment, step: str) -> None:
        self.has_crashed = False
        self._point = (moment, step)

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        if (moment, step) == self._point and not self.has_crashed:
            self.has_crashed = True
            raise Crashed


class PauseAt(LoggingObserver):
    """Pauses once, when a step reaches a moment, until it is resumed: a process that hangs and comes back."""

    def __init__(self, moment: StepMoment, step: str) -> None:
        self.paused = asyncio.Event()
        self.resume = asyncio.Event()
        self._point = (moment, step)

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        if (moment, step) == self._point and not self.paused.is_set():
            self.paused.set()
            await self.resume.wait()


@dataclass(frozen=True, kw_only=True)
class EngineFactory:
    """Creates engines over one saga log and one outbox relay."""

    database: Database
    relay: OutboxRelay

    def replica(self, scenario: Scenario, faults: Faults, observer: Observer) -> SagaEngine:
        """Return an engine without state in memory."""
        plans = [faulty(scenario.plan, faults)]
        log = SagaLog(self.database, plans, wake_relay=self.relay.wake)
        return SagaEngine(log, plans, observer, request_budget_seconds=BUDGET_SECONDS)

    async def make_due(self, saga_id: uuid.UUID) -> None:
        """Expire the saga's lease, or its wait, now."""
        await self.database.execute(_MAKE_DUE, {"saga_id": saga_id})


@dataclass(kw_only=True)
class SagaRun:
    """Runs a scenario.

    Args:
        ends_at_wait: the wait whose signal never comes.
    """

    engines: EngineFactory
    scenario: Scenario
    faults: Faults = field(default_factory=Faults)
    observer: Observer = field(default_factory=LoggingObserver)
    ends_at_wait: str = ""
    refusal: ServiceError | None = None
    """The error of the first request, if it failed."""
    was_stuck: bool = False

    async def to_stuck(self) -> SagaRecord:
        """Run the saga until it is stuck, and return it."""
        saga = await self._begin()
        for _ in range(MAX_ROUNDS):
            assert saga is not None
            if saga.state is SagaState.STUCK:
                return saga
            with suppress(Crashed, StillRunning):
                await self._go_on(saga)
            saga = await self._find()
        raise AssertionError("the saga is never stuck")

    async def to_end(self) -> SagaRecord | None:
        """Return the saga at its end; None if nothing was stored. The faults end once it is stuck."""
        saga = await self._begin()
        for _ in range(MAX_ROUNDS):
            if saga is None or saga.state.is_final:
                return saga
            with suppress(Crashed, StillRunning):
                await self._go_on(saga)
            saga = await self._find()
        raise AssertionError("the saga does not end")

    async def completes(self) -> SagaRecord:
        """Run the saga, and check that all of it happened once."""
        saga = await self.to_end()
        assert saga is not None
        assert saga.state is SagaState.COMPLETED, saga.error
        await self.scenario.assert_done(saga)
        return saga

    async def unwinds(self, *, because: str) -> None:
        """Run the saga, and check that nothing is left of it and that its error has this code."""
        saga = await self.to_end()
        if saga is None:
            assert self.refusal is not None
            assert self.refusal.code == because
            await self.scenario.let_lapse()
        else:
            assert saga.state is SagaState.UNWOUND
            assert saga.error is not None
            assert saga.error.code == because
        await self.scenario.assert_undone(saga)

    async def _begin(self) -> SagaRecord | None:
        """Start the saga, again if the process crashed before it was stored."""
        for _ in range(2):
            try:
                await self._start()
            except Crashed:
                if await self._find() is None:
                    continue
            except StillRunning:
                pass
            except ServiceError as error:
                self.refusal = error
            return await self._find()
        raise AssertionError("crashed twice")

    async def _start(self) -> None:
        data = self.scenario.data
        await self._replica().start(self.scenario.plan.kind, data, requested_by=self.scenario.requested_by)

    async def _go_on(self, saga: SagaRecord) -> None:
        replica = self._replica()
        waits_at = saga.step if saga.state is SagaState.WAITING else ""
        if saga.state is SagaState.STUCK:
            self.was_stuck = True
            self.faults.lift()
        if waits_at and waits_at != self.ends_at_wait:
            await self._signal(replica, saga, waits_at)
        else:
            await self.engines.make_due(saga.saga_id)
            await asyncio.gather(*await replica.take_over())

    async def _signal(self, replica: SagaEngine, saga: SagaRecord, signal: str) -> None:
        await self.scenario.before_signal(signal)
        key = f"{signal} of {saga.saga_id}"
        await replica.signal(saga.saga_id, signal, kind=saga.kind, signalled_by=saga.requested_by, key=key)

    async def _find(self) -> SagaRecord | None:
        return await self._replica().log.find(self.scenario.data.saga_id)

    def _replica(self) -> SagaEngine:
        return self.engines.replica(self.scenario, self.faults, self.observer)
