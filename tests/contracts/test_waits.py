"""The contract of every saga, when nobody comes, and when several things go wrong: see `test_actions`."""

import random

import pytest

from orchestrator.saga_engine.observer import Moment
from orchestrator.saga_engine.plan import StepKind
from tests.contracts.cases import steps_that, unwinding
from tests.contracts.faults import ORDERED_REFUSAL, Faults, answer_lost, repeated, unanswered, undecided
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import KillAt
from tests.contracts.scenarios import MIXTURES, OUTLINES


class TestWait:
    @steps_that(lambda step: step.kind is StepKind.WAIT)
    async def test_runs_out(self, harness: SagaHarness, kind: str, step: str) -> None:
        performance = await harness.perform(kind, ends_at_wait=step)
        await performance.ends_undone(because=expiry_of(kind, step))

    @steps_that(lambda step: step.kind is StepKind.WAIT)
    async def test_runs_out_and_the_process_dies(self, harness: SagaHarness, kind: str, step: str) -> None:
        killer = KillAt(Moment.AFTER_WRITE, step)
        performance = await harness.perform(kind, observer=killer, ends_at_wait=step)
        await performance.ends_undone(because=expiry_of(kind, step))
        assert killer.has_killed


def expiry_of(kind: str, step: str) -> str:
    expired = next(s.expired for s in OUTLINES[kind].steps if s.name == step)
    assert expired is not None
    return expired.code


@pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind, count in MIXTURES.items() for seed in range(count)])
async def test_mixture(harness: SagaHarness, kind: str, seed: int) -> None:
    """Several things go wrong at once, the same ones every time."""
    chance = random.Random(seed)  # noqa: S311 - no cryptography
    is_refused = chance.random() < 0.5
    ordered = unwinding(kind) if is_refused else Faults()
    for step in OUTLINES[kind].steps:
        ways = [unanswered(1), answer_lost(1), undecided(1), repeated]
        if not (is_refused and step.kind is StepKind.PIVOT):
            ordered.order(step.name, "action", chance.choice(ways))
        ordered.order(step.name, "undo", chance.choice(ways))
    observer = KillAt(chance.choice(list(Moment)), chance.choice(OUTLINES[kind].steps).name)
    performance = await harness.perform(kind, ordered, observer=observer)
    await (performance.ends_undone(because=ORDERED_REFUSAL) if is_refused else performance.ends_done())
