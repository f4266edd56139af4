"""What the engine's tests do with the kitchen's sagas."""

import asyncio
import uuid

from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver, Moment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.integration.orchestrator.conftest import Bakery
from tests.integration.orchestrator.sample_sagas import Cake

__all__ = ["BAKER", "KillAt", "Killed", "found", "heat", "mix", "run_until_at_rest", "taken_over"]

BAKER = uuid.uuid4()


class Killed(BaseException):
    """What a dying process looks like from inside: nothing after it runs, nothing catches it."""


class KillAt(LoggingObserver):
    """Dies the first time a moment is reached at a step."""

    def __init__(self, moment: Moment, step: str) -> None:
        self._point = (moment, step)

    async def reached(self, moment: Moment, step: str, _: SagaRecord) -> None:
        if (moment, step) == self._point:
            raise Killed


async def mix(engine: SagaEngine, **data: float) -> SagaRecord:
    return await engine.start("baking", Cake(saga_id=uuid.uuid4(), **data), requested_by=BAKER)


async def heat(engine: SagaEngine, saga: SagaRecord, key: str | None = None) -> SagaRecord:
    heated = await engine.signal(saga.saga_id, "heat", kind="baking", signalled_by=BAKER, key=key)
    assert heated is not None
    return heated


async def found(engine: SagaEngine, saga_id: uuid.UUID) -> SagaRecord:
    saga = await engine.find(saga_id)
    assert saga is not None
    return saga


async def taken_over(engine: SagaEngine) -> int:
    """Let the engine take over what is due, wait until that rests, and return how many sagas it was."""
    return len(await asyncio.gather(*await engine.take_over()))


async def run_until_at_rest(bakery: Bakery, saga_id: uuid.UUID, *, step_timeout_seconds: float = 0.3) -> SagaRecord:
    """Let fresh replicas take over until the saga waits or ends."""
    for _ in range(200):
        engine = bakery.replica(step_timeout_seconds=step_timeout_seconds)
        saga = await engine.find(saga_id)
        if saga is not None and (saga.state.is_final or saga.state in {SagaState.STUCK, SagaState.WAITING}):
            return saga
        await bakery.make_due()
        await asyncio.gather(*await engine.take_over())
    raise AssertionError("the saga does not come to rest")
