"""Refusals that lead back to the wait, and the keys under which they are stored."""

import asyncio
import uuid

from orchestrator.saga_engine.record import SagaState
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import (
    BUYER,
    load,
    pay,
    place_order,
    take_over,
)
from tests.integration.orchestrator.sample_sagas import ProofMissing, TooFewCredits

ALL_STEPS = ["reserve", "charge", "ship", "confirm"]


class TestBackToWait:
    async def test_refusal_leads_back_and_the_next_signal_is_a_new_request(self, harness: Harness) -> None:
        harness.participant.fail("charge", TooFewCredits())
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine), key="first")
        assert saga.state is SagaState.WAITING
        assert saga.error is not None
        assert saga.error.code == "TOO_FEW_CREDITS"
        saga = await pay(engine, saga, key="second")
        assert saga.state is SagaState.COMPLETED
        assert harness.participant.done == ALL_STEPS
        assert len([name for name, _ in harness.participant.calls if name == "charge"]) == 2

    async def test_repeated_key_gets_the_refusal_again(self, harness: Harness) -> None:
        harness.participant.fail("charge", TooFewCredits())
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine), key="first")
        assert await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER, key="first") is None
        use = await engine.log.find_key_use(requested_by=BUYER, operation="pay", key="first")
        assert use is not None
        assert use[0] == saga.saga_id
        assert use[1] is not None
        assert use[1].code == "TOO_FEW_CREDITS"

    async def test_refusal_of_another_signaller_is_stored_under_their_key(self, harness: Harness) -> None:
        harness.participant.fail("charge", TooFewCredits())
        engine, helper = harness.replica(), uuid.uuid4()
        saga = await place_order(engine)
        await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=helper, key="first", by_starter_only=False)
        use = await engine.log.find_key_use(requested_by=helper, operation="pay", key="first")
        assert use is not None
        assert use[1] is not None

    async def test_missing_proof_is_not_stored_under_the_key(self, harness: Harness) -> None:
        harness.participant.fail("charge", ProofMissing())
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine), key="first")
        assert saga.state is SagaState.WAITING
        assert (await pay(engine, saga, key="first")).state is SagaState.COMPLETED

    async def test_deadline_after_a_refusal_unwinds_for_the_deadline(self, harness: Harness) -> None:
        harness.participant.fail("charge", TooFewCredits())
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine))
        await harness.make_due()
        await take_over(engine)
        saga = await load(engine, saga.saga_id)
        assert saga.error is not None
        assert saga.error.code == "PAYMENT_EXPIRED"
        assert harness.participant.done == []


async def test_one_key_for_two_sagas_signals_one(harness: Harness) -> None:
    engine = harness.replica()
    first, second = await place_order(engine), await place_order(engine)
    outcomes = await asyncio.gather(
        *(
            engine.signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER, key="the key")
            for saga in (first, second)
        )
    )
    assert sum(outcome is not None for outcome in outcomes) == 1
