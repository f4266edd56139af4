"""The contract of every saga, when it is unwound: see `test_actions`."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from common.errors import Busy, OutcomeUnknown, ServiceError
from tests.contracts.cases import A_WHILE, can_be_undone, can_be_undone_after_its_intent, faults, steps_that, unwinding
from tests.contracts.faults import (
    ORDERED_REFUSAL,
    Deed,
    Fault,
    Faults,
    answer_lost,
    kept,
    racing,
    refused,
    repeated,
    unanswered,
    undecided,
    withheld,
)
from tests.contracts.saga_harness import SagaHarness


class TestUndo:
    @steps_that(can_be_undone)
    @faults(
        not_done=lambda: unanswered(A_WHILE),
        done=lambda: answer_lost(A_WHILE),
        busy=lambda: undecided(A_WHILE),
        twice=lambda: repeated,
    )
    async def test_repeated(self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        ordered = unwinding(kind).order(step, "undo", fault(), is_patient=False)
        performance = await harness.perform(kind, ordered)
        await performance.ends_undone(because=ORDERED_REFUSAL)
        assert (step, "undo") in ordered.struck

    @steps_that(can_be_undone)
    async def test_refused_is_kept_for_people(self, harness: SagaHarness, kind: str, step: str) -> None:
        performance = await harness.perform(kind, unwinding(kind).order(step, "undo", refused))
        await performance.ends_undone(because=ORDERED_REFUSAL)
        assert performance.was_stuck

    @steps_that(can_be_undone)
    async def test_action_repeated_after_its_undo(self, harness: SagaHarness, kind: str, step: str) -> None:
        deeds: list[Deed] = []
        performance = await harness.perform(kind, unwinding(kind).order(step, "action", kept(deeds)))
        await performance.ends_undone(because=ORDERED_REFUSAL)
        with suppress(ServiceError):  # refused, or told the first answer again: nothing may be done
            await deeds[0]()
        await performance.ends_undone(because=ORDERED_REFUSAL)

    @steps_that(can_be_undone_after_its_intent)
    @pytest.mark.parametrize("then", [OutcomeUnknown, Busy])
    async def test_action_that_arrives_after_its_undo(
        self, harness: SagaHarness, kind: str, step: str, then: type[ServiceError]
    ) -> None:
        deeds: list[Deed] = []
        late = Faults().order(step, "action", withheld(deeds, then=then()), is_patient=False)
        performance = await harness.perform(kind, late)
        await performance.ends_undone(because=then.code)
        with pytest.raises(ServiceError):
            await deeds[0]()
        await performance.ends_undone(because=then.code)

    @steps_that(can_be_undone_after_its_intent)
    async def test_action_that_arrives_with_its_undo(self, harness: SagaHarness, kind: str, step: str) -> None:
        deeds: list[Deed] = []
        late = Faults().order(step, "action", withheld(deeds, then=OutcomeUnknown()), is_patient=False)
        performance = await harness.perform(kind, late.order(step, "undo", racing(deeds)))
        await performance.ends_undone(because=OutcomeUnknown.code)
