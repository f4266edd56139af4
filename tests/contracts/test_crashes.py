"""The contract of every saga when its process crashes; see `test_actions`."""

from orchestrator.saga_engine.observer import StepMoment
from tests.contracts.cases import ACTION_MOMENTS, UNDO_MOMENTS, acts, can_be_undone, each_step, moments, unwinding
from tests.contracts.faults import INJECTED_REFUSAL
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import CrashAt


class TestCrash:
    @each_step(acts)
    @moments(ACTION_MOMENTS)
    async def test_while_acting(self, harness: SagaHarness, kind: str, step: str, moment: StepMoment) -> None:
        crash = CrashAt(moment, step)
        run = await harness.new_run(kind, observer=crash)
        await run.completes()
        assert crash.has_crashed

    @each_step(can_be_undone)
    @moments(UNDO_MOMENTS)
    async def test_while_undoing(self, harness: SagaHarness, kind: str, step: str, moment: StepMoment) -> None:
        crash = CrashAt(moment, step)
        run = await harness.new_run(kind, unwinding(kind), observer=crash)
        await run.unwinds(because=INJECTED_REFUSAL)
        assert crash.has_crashed
