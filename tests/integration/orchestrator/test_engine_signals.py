"""Refusals that lead back to the wait, and the keys of the signals that got them."""

import asyncio

import pytest
from sqlalchemy import text

from common.errors import ServiceError
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

    @pytest.mark.parametrize("refusal", [TooFewCredits(), ProofMissing()], ids=lambda refusal: refusal.code)
    async def test_same_key_repeats_the_request_once_the_condition_is_met(
        self, harness: Harness, refusal: ServiceError
    ) -> None:
        harness.participant.fail("charge", refusal, refusal)
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine), key="first")
        again = await pay(engine, saga, key="first")
        assert [each.error and each.error.code for each in (saga, again)] == [refusal.code] * 2
        assert (await pay(engine, again, key="first")).state is SagaState.COMPLETED

    async def test_refusal_that_the_previous_release_stored_ends_nothing(self, harness: Harness) -> None:
        harness.participant.fail("charge", TooFewCredits())
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine), key="first")
        await harness.database.execute(text("UPDATE idempotency_keys SET refusal = CAST('{}' AS jsonb)"))
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
