"""The contract of every saga when a wait expires, and when several calls fail; see `test_actions`."""

import random
from typing import Final

import pytest

from orchestrator.features.purchased_items.models import QUEUED_MENU_ITEM, QUEUED_TIP
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.plan import StepKind
from tests.contracts.cases import each_step, unwinding
from tests.contracts.faults import INJECTED_REFUSAL, Faults, repeated, request_lost, response_lost, undecided
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import CrashAt
from tests.contracts.scenarios import FAULT_MIXES, OUTLINES

TRIES_OF_A_RESTART: Final = 11
"""More than fit the step timeout of a request, with the pauses between them."""


class TestWait:
    @each_step(lambda step: step.kind is StepKind.WAIT)
    async def test_expires(self, harness: SagaHarness, kind: str, step: str) -> None:
        run = await harness.new_run(kind, ends_at_wait=step)
        await run.unwinds(because=expiry_of(kind, step))

    @each_step(lambda step: step.kind is StepKind.WAIT)
    async def test_expires_and_the_process_crashes(self, harness: SagaHarness, kind: str, step: str) -> None:
        crash = CrashAt(StepMoment.AFTER_WRITE, step)
        run = await harness.new_run(kind, observer=crash, ends_at_wait=step)
        await run.unwinds(because=expiry_of(kind, step))
        assert crash.has_crashed


@pytest.mark.parametrize(("kind", "step"), [(QUEUED_TIP, "hold credits"), (QUEUED_MENU_ITEM, "start item")])
async def test_participant_that_restarts_after_the_wait_ends_no_item(
    harness: SagaHarness, kind: str, step: str
) -> None:
    """It is away for longer than a request waits: no client waits for these steps."""
    run = await harness.new_run(kind, Faults().inject(step, "action", request_lost(TRIES_OF_A_RESTART)))
    await run.completes()


def expiry_of(kind: str, step: str) -> str:
    expired = next(s.expired for s in OUTLINES[kind].steps if s.name == step)
    assert expired is not None
    return expired.code


@pytest.mark.parametrize(
    ("kind", "seed"), [(kind, seed) for kind, count in FAULT_MIXES.items() for seed in range(count)]
)
async def test_several_faults(harness: SagaHarness, kind: str, seed: int) -> None:
    """Several faults in one run, the same for each seed."""
    chance = random.Random(seed)  # noqa: S311 - no cryptography
    is_refused = chance.random() < 0.5
    injected = unwinding(kind) if is_refused else Faults()
    for step in OUTLINES[kind].steps:
        ways = [request_lost(1), response_lost(1), undecided(1), repeated]
        if not (is_refused and step.kind is StepKind.PIVOT):
            injected.inject(step.name, "action", chance.choice(ways))
        injected.inject(step.name, "undo", chance.choice(ways))
    observer = CrashAt(chance.choice(list(StepMoment)), chance.choice(OUTLINES[kind].steps).name)
    run = await harness.new_run(kind, injected, observer=observer)
    await (run.unwinds(because=INJECTED_REFUSAL) if is_refused else run.completes())
