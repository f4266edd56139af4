"""The contract of every saga: whichever step fails in whatever way, the platform ends in a consistent state.

Each case runs one saga with the real services, injects one fault, and checks all invariants afterwards. Each module of
the contract has its own databases, which keeps that check short. This module covers the responses to actions.
"""

from collections.abc import Callable

import pytest

from common.errors import Busy, OutcomeUnknown, ServiceError
from tests.contracts.cases import (
    SEVERAL_TIMES,
    acts,
    can_be_undone,
    each_refusal_back_to_wait,
    each_step,
    faults,
    must_be_done,
)
from tests.contracts.faults import (
    FOREVER,
    INJECTED_REFUSAL,
    Fault,
    Faults,
    refused,
    refused_once,
    repeated,
    request_lost,
    response_lost,
    undecided,
)
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.scenarios import OUTLINES


@pytest.mark.parametrize("kind", OUTLINES)
async def test_completes_without_faults(harness: SagaHarness, kind: str) -> None:
    await (await harness.new_run(kind)).completes()


class TestAction:
    @each_step(lambda step: acts(step) and not must_be_done(step))
    async def test_refused(self, harness: SagaHarness, kind: str, step: str) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", refused))
        await run.unwinds(because=INJECTED_REFUSAL)

    @each_step(must_be_done)
    async def test_refused_after_the_pivot_is_stuck(self, harness: SagaHarness, kind: str, step: str) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", refused))
        await run.completes()
        assert run.was_stuck

    @each_step(acts)
    @faults(
        not_done=lambda: request_lost(1),
        done=lambda: response_lost(1),
        busy=lambda: undecided(1),
        twice=lambda: repeated,
    )
    async def test_repeated(self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", fault()))
        await run.completes()

    @each_step(can_be_undone)
    @faults(not_done=lambda: request_lost(FOREVER), done=lambda: response_lost(FOREVER))
    async def test_never_answered(self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", fault(), retries_forever=False))
        await run.unwinds(because=OutcomeUnknown.code)

    @each_step(can_be_undone)
    async def test_never_decided(self, harness: SagaHarness, kind: str, step: str) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", undecided(FOREVER), retries_forever=False))
        await run.unwinds(because=Busy.code)

    @each_step(lambda step: acts(step) and not can_be_undone(step))
    @faults(
        not_done=lambda: request_lost(SEVERAL_TIMES),
        done=lambda: response_lost(SEVERAL_TIMES),
        busy=lambda: undecided(SEVERAL_TIMES),
    )
    async def test_retried_until_success_from_the_pivot_on(
        self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]
    ) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", fault(), retries_forever=False))
        await run.completes()

    @each_refusal_back_to_wait()
    async def test_refusal_leads_back_to_the_wait_and_the_same_request_can_be_repeated(
        self, harness: SagaHarness, kind: str, step: str, refusal: ServiceError
    ) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", refused_once(refusal)))
        saga = await run.completes()
        assert saga.round_number == 1
