"""The contract of every saga when it is unwound; see `test_actions`."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from common.errors import Busy, OutcomeUnknown, ServiceError
from tests.contracts.cases import (
    SEVERAL_TIMES,
    can_be_undone,
    can_be_undone_after_its_intent,
    each_step,
    faults,
    unwinding,
)
from tests.contracts.faults import (
    INJECTED_REFUSAL,
    Fault,
    Faults,
    RemoteCall,
    racing,
    recorded,
    refused,
    repeated,
    request_lost,
    response_lost,
    undecided,
    withheld,
)
from tests.contracts.saga_harness import SagaHarness


class TestUndo:
    @each_step(can_be_undone)
    @faults(
        not_done=lambda: request_lost(SEVERAL_TIMES),
        done=lambda: response_lost(SEVERAL_TIMES),
        busy=lambda: undecided(SEVERAL_TIMES),
        twice=lambda: repeated,
    )
    async def test_repeated(self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        injected = unwinding(kind).inject(step, "undo", fault(), retries_forever=False)
        run = await harness.new_run(kind, injected)
        await run.unwinds(because=INJECTED_REFUSAL)
        assert (step, "undo") in injected.triggered

    @each_step(can_be_undone)
    async def test_refused_undo_is_stuck(self, harness: SagaHarness, kind: str, step: str) -> None:
        run = await harness.new_run(kind, unwinding(kind).inject(step, "undo", refused))
        await run.unwinds(because=INJECTED_REFUSAL)
        assert run.was_stuck

    @each_step(can_be_undone)
    async def test_action_repeated_after_its_undo(self, harness: SagaHarness, kind: str, step: str) -> None:
        calls: list[RemoteCall] = []
        run = await harness.new_run(kind, unwinding(kind).inject(step, "action", recorded(calls)))
        await run.unwinds(because=INJECTED_REFUSAL)
        with suppress(ServiceError):  # refused, or given the first response again: it has no effect
            await calls[0]()
        await run.unwinds(because=INJECTED_REFUSAL)

    @each_step(can_be_undone_after_its_intent)
    @pytest.mark.parametrize("then", [OutcomeUnknown, Busy])
    async def test_action_that_arrives_after_its_undo(
        self, harness: SagaHarness, kind: str, step: str, then: type[ServiceError]
    ) -> None:
        calls: list[RemoteCall] = []
        late = Faults().inject(step, "action", withheld(calls, then=then()), retries_forever=False)
        run = await harness.new_run(kind, late)
        await run.unwinds(because=then.code)
        with pytest.raises(ServiceError):
            await calls[0]()
        await run.unwinds(because=then.code)

    @each_step(can_be_undone_after_its_intent)
    async def test_action_that_arrives_with_its_undo(self, harness: SagaHarness, kind: str, step: str) -> None:
        calls: list[RemoteCall] = []
        late = Faults().inject(step, "action", withheld(calls, then=OutcomeUnknown()), retries_forever=False)
        run = await harness.new_run(kind, late.inject(step, "undo", racing(calls)))
        await run.unwinds(because=OutcomeUnknown.code)
