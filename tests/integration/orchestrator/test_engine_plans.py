"""Plans that begin with their pivot, and steps that are done in batches."""

import uuid

import pytest

from common.errors import Conflict
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import BUYER, CrashAt, Crashed, run_until_at_rest, take_over
from tests.integration.orchestrator.sample_sagas import Delivery


class TestPivotFirst:
    async def test_refusal_ends_it_with_nothing_to_undo(self, harness: Harness) -> None:
        harness.participant.fail("dispatch", Conflict(code="CLOSED"))
        saga = await deliver(harness.replica(), parcels=1)
        assert saga.state is SagaState.UNWOUND
        assert saga.error is not None
        assert saga.error.code == "CLOSED"


class TestBatches:
    async def test_runs_until_all_is_done(self, harness: Harness) -> None:
        saga = await deliver(harness.replica(), parcels=5)
        assert saga.state is SagaState.COMPLETED
        assert isinstance(saga.data, Delivery)
        assert saga.data.delivered == 5

    async def test_progress_survives_a_crash(self, harness: Harness) -> None:
        with pytest.raises(Crashed):
            await deliver(harness.replica(CrashAt(StepMoment.AFTER_WRITE, "deliver")), parcels=3)
        await harness.make_due()
        engine = harness.replica()
        await take_over(engine)
        assert sum(count for (step, _), count in harness.participant.calls.items() if step == "deliver") == 3

    async def test_pauses_without_progress(self, harness: Harness) -> None:
        harness.participant.makes_progress = False
        saga = await deliver(harness.replica(), parcels=1)
        assert saga.state is SagaState.RUNNING
        assert saga.is_paused
        harness.participant.makes_progress = True
        assert (await run_until_at_rest(harness, saga.saga_id)).state is SagaState.COMPLETED


async def deliver(engine: SagaEngine, *, parcels: int) -> SagaRecord:
    return await engine.start("delivery", Delivery(saga_id=uuid.uuid4(), parcels=parcels), requested_by=BUYER)
