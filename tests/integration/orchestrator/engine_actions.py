"""Actions of the engine's tests on the sample sagas."""

import asyncio
import uuid

from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver, StepMoment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.sample_sagas import Order

BUYER = uuid.uuid4()


class Crashed(BaseException):
    """A crash of the process as its code sees it: no handler catches it."""


class CrashAt(LoggingObserver):
    """Crashes whenever a moment is reached at a step."""

    def __init__(self, moment: StepMoment, step: str) -> None:
        self._point = (moment, step)

    async def moment_reached(self, moment: StepMoment, step: str, _: SagaRecord) -> None:
        if (moment, step) == self._point:
            raise Crashed


async def place_order(engine: SagaEngine, **data: float) -> SagaRecord:
    return await engine.start("order", Order(saga_id=uuid.uuid4(), **data), requested_by=BUYER)


async def pay(engine: SagaEngine, saga: SagaRecord, key: str | None = None) -> SagaRecord:
    paid = await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER, key=key)
    assert paid is not None
    return paid


async def load(engine: SagaEngine, saga_id: uuid.UUID) -> SagaRecord:
    saga = await engine.log.find(saga_id)
    assert saga is not None
    return saga


async def take_over(engine: SagaEngine) -> int:
    """Let the engine take over the due sagas, wait until they rest, and return their number."""
    return len(await asyncio.gather(*await engine.take_over()))


async def run_until_at_rest(harness: Harness, saga_id: uuid.UUID, *, step_timeout_seconds: float = 0.3) -> SagaRecord:
    """Let fresh replicas take over until the saga waits, ends or is stuck."""
    for _ in range(200):
        engine = harness.replica(step_timeout_seconds=step_timeout_seconds)
        saga = await engine.log.find(saga_id)
        if saga is not None and (saga.state.is_final or saga.state in {SagaState.STUCK, SagaState.WAITING}):
            return saga
        await harness.make_due()
        await take_over(engine)
    raise AssertionError("the saga does not come to rest")
