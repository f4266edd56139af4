"""The contract of every saga: whatever goes wrong, at whichever step, the world ends clean.

Each case plays one saga with the real services, breaks one thing, and looks at the whole world afterwards. So that this
look does not grow long, each of the contract's modules has a world of its own. Here: what its actions are answered.
"""

from collections.abc import Callable

import pytest

from common.errors import Busy, OutcomeUnknown, PreconditionRequired, ServiceError
from tests.contracts.cases import A_WHILE, acts, can_be_undone, faults, must_be_done, steps_that, steps_with_ways_back
from tests.contracts.faults import (
    FOR_GOOD,
    ORDERED_REFUSAL,
    Fault,
    Faults,
    answer_lost,
    refused,
    refused_once,
    repeated,
    unanswered,
    undecided,
)
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.scenarios import OUTLINES


@pytest.mark.parametrize("kind", OUTLINES)
async def test_all_goes_well(harness: SagaHarness, kind: str) -> None:
    await (await harness.perform(kind)).ends_done()


class TestAction:
    @steps_that(lambda step: acts(step) and not must_be_done(step))
    async def test_refused(self, harness: SagaHarness, kind: str, step: str) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", refused))
        await performance.ends_undone(because=ORDERED_REFUSAL)

    @steps_that(must_be_done)
    async def test_refused_after_the_pivot_is_kept_for_people(self, harness: SagaHarness, kind: str, step: str) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", refused))
        await performance.ends_done()
        assert performance.was_stuck

    @steps_that(acts)
    @faults(
        not_done=lambda: unanswered(1), done=lambda: answer_lost(1), busy=lambda: undecided(1), twice=lambda: repeated
    )
    async def test_repeated(self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", fault()))
        await performance.ends_done()

    @steps_that(can_be_undone)
    @faults(not_done=lambda: unanswered(FOR_GOOD), done=lambda: answer_lost(FOR_GOOD))
    async def test_never_answered(self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", fault(), is_patient=False))
        await performance.ends_undone(because=OutcomeUnknown.code)

    @steps_that(can_be_undone)
    async def test_never_decided(self, harness: SagaHarness, kind: str, step: str) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", undecided(FOR_GOOD), is_patient=False))
        await performance.ends_undone(because=Busy.code)

    @steps_that(lambda step: acts(step) and not can_be_undone(step))
    @faults(not_done=lambda: unanswered(A_WHILE), done=lambda: answer_lost(A_WHILE), busy=lambda: undecided(A_WHILE))
    async def test_from_the_pivot_on_is_never_given_up(
        self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]
    ) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", fault(), is_patient=False))
        await performance.ends_done()

    @steps_with_ways_back()
    async def test_refusal_that_leads_back_to_the_wait(
        self, harness: SagaHarness, kind: str, step: str, refusal: ServiceError
    ) -> None:
        performance = await harness.perform(kind, Faults().order(step, "action", refused_once(refusal)))
        saga = await performance.ends_done()
        assert saga.round_number == 1
        # Who lacks a proof gives it and sends the same request again; any other refusal is that request's answer.
        remembered = [] if isinstance(refusal, PreconditionRequired) else [refusal.code]
        assert await performance.remembered_refusals() == remembered
