"""Refusals that the participant does not remember decide nothing: another call may have done the work."""

from collections.abc import Callable
from typing import Final

import pytest

from common.errors import Conflict, Forbidden, InvalidRequest, NotFound, ServiceError, TooManyRequests, Unprocessable
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.retries import STUCK_ATTEMPTS
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import load, pay, place_order, run_until_at_rest, take_over
from tests.integration.orchestrator.sample_sagas import TooFewCredits

ALL_STEPS: Final = ["reserve", "charge", "ship", "confirm"]
# A fingerprint, a schema, a route or a permission that a deployment has changed; an older release that says nothing.
REFUSALS: Final[dict[str, Callable[[], ServiceError]]] = {
    "fingerprint": Unprocessable,
    "schema": InvalidRequest,
    "route": lambda: NotFound(code="NOT_FOUND"),
    "permission": lambda: Forbidden(code="NOT_FOR_YOU"),
    "of a release that says nothing": lambda: Conflict(code="OUT_OF_STOCK"),
}
each_refusal = pytest.mark.parametrize("make_refusal", REFUSALS.values(), ids=list(REFUSALS))


@each_refusal
@pytest.mark.parametrize("step", ["reserve", "charge"])
async def test_undoable_step_is_undone_too(
    harness: Harness, step: str, make_refusal: Callable[[], ServiceError]
) -> None:
    refusal = make_refusal()
    harness.participant.lose_reply(step, refusal)
    engine = harness.replica()
    saga = await place_order(engine)
    if step != "reserve":
        saga = await pay(engine, saga)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert (saga.error.code, saga.error.step) == (refusal.code, step)
    assert harness.participant.done == []


@each_refusal
async def test_pivot_is_repeated_until_its_outcome_is_known(
    harness: Harness, make_refusal: Callable[[], ServiceError]
) -> None:
    harness.participant.lose_reply("ship", *[make_refusal()] * 3)
    engine = harness.replica()
    saga = await pay(engine, await place_order(engine))
    assert (saga.state, saga.step) == (SagaState.RUNNING, "ship")
    assert (await run_until_at_rest(harness, saga.saga_id)).state is SagaState.COMPLETED
    assert harness.participant.done == ALL_STEPS


async def test_pivot_that_is_remembered_as_refused_in_the_end_unwinds(harness: Harness) -> None:
    harness.participant.fail("ship", *[NotFound()] * 3, is_remembered=False)
    engine = harness.replica()
    saga = await pay(engine, await place_order(engine))
    harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
    saga = await run_until_at_rest(harness, saga.saga_id)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert saga.error.code == "NO_CARRIER"
    assert harness.participant.done == []


@pytest.mark.parametrize("step", ["ship", "confirm"])
async def test_from_the_pivot_on_it_is_stuck_and_heals_with_the_same_request_id(harness: Harness, step: str) -> None:
    harness.participant.lose_reply(step, *[Unprocessable()] * STUCK_ATTEMPTS)
    engine = harness.replica()
    saga = await pay(engine, await place_order(engine))
    saga = await run_until_at_rest(harness, saga.saga_id)
    assert saga.state is SagaState.STUCK
    assert saga.error is not None
    assert (saga.error.stuck_at, saga.error.stuck_code) == (step, Unprocessable.code)
    await harness.make_due()
    await take_over(engine)
    assert (await load(engine, saga.saga_id)).state is SagaState.COMPLETED
    assert harness.participant.done == ALL_STEPS
    assert len([name for name, _ in harness.participant.calls if name == step]) == 1


async def test_no_way_back_to_the_wait(harness: Harness) -> None:
    """A charge that another call has made must not be left behind while the fan pays again."""
    harness.participant.lose_reply("charge", TooFewCredits())
    engine = harness.replica()
    saga = await pay(engine, await place_order(engine))
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert saga.error.code == TooFewCredits.code
    assert harness.participant.done == []


async def test_undo_gets_a_new_request_id(harness: Harness) -> None:
    """The undo was done under a fingerprint that the participant computes differently by now."""
    harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
    harness.participant.lose_reply("undo charge", Unprocessable())
    engine = harness.replica()
    saga = await pay(engine, await place_order(engine))
    assert (await run_until_at_rest(harness, saga.saga_id)).state is SagaState.UNWOUND
    assert harness.participant.done == []
    assert len([name for name, _ in harness.participant.calls if name == "undo charge"]) == 2


async def test_outage_of_any_length_is_no_failure_from_the_pivot_on(harness: Harness) -> None:
    harness.participant.fail("ship", *[TooManyRequests()] * (2 * STUCK_ATTEMPTS), is_remembered=False)
    engine = harness.replica(step_timeout_seconds=0.01)
    saga = await pay(engine, await place_order(engine))
    for _ in range(2 * STUCK_ATTEMPTS - 1):
        await harness.make_due()
        await take_over(engine)
    harness.participant.crash("ship", times=1_000)
    await harness.make_due()
    await take_over(engine)
    saga = await load(engine, saga.saga_id)
    assert (saga.state, saga.step, saga.attempts) == (SagaState.RUNNING, "ship", 1)
    harness.participant.crash("ship", times=0)
    assert (await run_until_at_rest(harness, saga.saga_id)).state is SagaState.COMPLETED
