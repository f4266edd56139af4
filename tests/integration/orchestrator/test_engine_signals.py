"""Refusals that lead back to the wait, and the keys they are remembered under."""

import asyncio
import uuid

from orchestrator.saga_engine.record import SagaState
from tests.integration.orchestrator.conftest import Bakery
from tests.integration.orchestrator.kitchen_hands import (
    BAKER,
    found,
    heat,
    mix,
    taken_over,
)
from tests.integration.orchestrator.sample_sagas import DoorClosed, OvenCold

WHOLE_CAKE = ["mix", "preheat", "bake", "decorate"]


class TestBackToWait:
    async def test_refusal_leads_back_and_the_next_signal_is_a_new_request(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("preheat", OvenCold())
        engine = bakery.replica()
        saga = await heat(engine, await mix(engine), key="first")
        assert saga.state is SagaState.WAITING
        assert saga.error is not None
        assert saga.error.code == "OVEN_COLD"
        saga = await heat(engine, saga, key="second")
        assert saga.state is SagaState.COMPLETED
        assert bakery.kitchen.done == WHOLE_CAKE
        assert len([name for name, _ in bakery.kitchen.calls if name == "preheat"]) == 2

    async def test_repeated_key_gets_the_refusal_again(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("preheat", OvenCold())
        engine = bakery.replica()
        saga = await heat(engine, await mix(engine), key="first")
        assert await engine.signal(saga.saga_id, "heat", kind="baking", signalled_by=BAKER, key="first") is None
        use = await engine.key_use(signalled_by=BAKER, signal="heat", key="first")
        assert use is not None
        assert use[0] == saga.saga_id
        assert use[1] is not None
        assert use[1].code == "OVEN_COLD"

    async def test_refusal_that_another_signaller_got_is_remembered_under_their_key(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("preheat", OvenCold())
        engine, helper = bakery.replica(), uuid.uuid4()
        saga = await mix(engine)
        await engine.signal(
            saga.saga_id, "heat", kind="baking", signalled_by=helper, key="first", by_starter_only=False
        )
        use = await engine.key_use(signalled_by=helper, signal="heat", key="first")
        assert use is not None
        assert use[1] is not None

    async def test_missing_proof_is_no_answer_for_good(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("preheat", DoorClosed())
        engine = bakery.replica()
        saga = await heat(engine, await mix(engine), key="first")
        assert saga.state is SagaState.WAITING
        assert (await heat(engine, saga, key="first")).state is SagaState.COMPLETED

    async def test_deadline_after_a_refusal_unwinds_for_the_deadline(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("preheat", OvenCold())
        engine = bakery.replica()
        saga = await heat(engine, await mix(engine))
        await bakery.make_due()
        await taken_over(engine)
        saga = await found(engine, saga.saga_id)
        assert saga.error is not None
        assert saga.error.code == "OVEN_EXPIRED"
        assert bakery.kitchen.done == []


async def test_one_key_for_two_sagas_signals_one(bakery: Bakery) -> None:
    engine = bakery.replica()
    first, second = await mix(engine), await mix(engine)
    outcomes = await asyncio.gather(
        *(
            engine.signal(saga.saga_id, "heat", kind="baking", signalled_by=BAKER, key="the key")
            for saga in (first, second)
        )
    )
    assert sum(outcome is not None for outcome in outcomes) == 1
