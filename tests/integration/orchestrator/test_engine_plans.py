"""Plans that begin with their pivot, and steps that are done bit by bit."""

import uuid

import pytest

from common.errors import Conflict
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import Moment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.integration.orchestrator.conftest import Bakery
from tests.integration.orchestrator.kitchen_hands import BAKER, KillAt, Killed, run_until_at_rest, taken_over
from tests.integration.orchestrator.sample_sagas import Shop


class TestPivotFirst:
    async def test_refusal_ends_it_with_nothing_to_take_back(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("open", Conflict(code="SHUT"))
        saga = await serve(bakery.replica(), slices=1)
        assert saga.state is SagaState.UNWOUND
        assert saga.error is not None
        assert saga.error.code == "SHUT"


class TestBitByBit:
    async def test_goes_on_until_all_is_done(self, bakery: Bakery) -> None:
        saga = await serve(bakery.replica(), slices=5)
        assert saga.state is SagaState.COMPLETED
        assert isinstance(saga.data, Shop)
        assert saga.data.served == 5

    async def test_progress_outlives_its_process(self, bakery: Bakery) -> None:
        with pytest.raises(Killed):
            await serve(bakery.replica(KillAt(Moment.AFTER_WRITE, "serve")), slices=3)
        await bakery.make_due()
        engine = bakery.replica()
        await taken_over(engine)
        assert sum(count for (step, _), count in bakery.kitchen.calls.items() if step == "serve") == 3

    async def test_pauses_when_nothing_moves(self, bakery: Bakery) -> None:
        bakery.kitchen.is_slow = True
        saga = await serve(bakery.replica(), slices=1)
        assert saga.state is SagaState.RUNNING
        assert saga.is_paused
        bakery.kitchen.is_slow = False
        assert (await run_until_at_rest(bakery, saga.saga_id)).state is SagaState.COMPLETED


async def serve(engine: SagaEngine, *, slices: int) -> SagaRecord:
    return await engine.start("serving", Shop(saga_id=uuid.uuid4(), slices=slices), requested_by=BAKER)
