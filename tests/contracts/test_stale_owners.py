"""The contract of every saga when its owner resumes too late; see `test_actions`."""

import asyncio

from orchestrator.saga_engine.observer import StepMoment
from tests.contracts.cases import ACTION_MOMENTS, UNDO_MOMENTS, acts, can_be_undone, each_step, moments, unwinding
from tests.contracts.faults import INJECTED_REFUSAL
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import PauseAt


class TestStaleOwner:
    """The owner pauses until its lease has expired, and resumes when another replica has ended the saga."""

    @each_step(acts)
    @moments(ACTION_MOMENTS)
    async def test_while_acting(self, harness: SagaHarness, kind: str, step: str, moment: StepMoment) -> None:
        pause = PauseAt(moment, step)
        run = await harness.new_run(kind, observer=pause)
        stale_run = asyncio.create_task(run.to_end())
        await pause.paused.wait()
        await run.completes()
        pause.resume.set()
        await stale_run
        await run.completes()

    @each_step(can_be_undone)
    @moments(UNDO_MOMENTS)
    async def test_while_undoing(self, harness: SagaHarness, kind: str, step: str, moment: StepMoment) -> None:
        pause = PauseAt(moment, step)
        run = await harness.new_run(kind, unwinding(kind), observer=pause)
        stale_run = asyncio.create_task(run.to_end())
        await pause.paused.wait()
        await run.unwinds(because=INJECTED_REFUSAL)
        pause.resume.set()
        await stale_run
        await run.unwinds(because=INJECTED_REFUSAL)
