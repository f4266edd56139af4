"""The contract of every saga, when its owner comes back too late: see `test_actions`."""

import asyncio

from orchestrator.saga_engine.observer import Moment
from tests.contracts.cases import ACTION_MOMENTS, UNDO_MOMENTS, acts, can_be_undone, moments, steps_that, unwinding
from tests.contracts.faults import ORDERED_REFUSAL
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import SleepAt


class TestZombie:
    """The owner sleeps through its lease and wakes when another replica has ended the saga."""

    @steps_that(acts)
    @moments(ACTION_MOMENTS)
    async def test_while_acting(self, harness: SagaHarness, kind: str, step: str, moment: Moment) -> None:
        sleeper = SleepAt(moment, step)
        performance = await harness.perform(kind, observer=sleeper)
        zombie = asyncio.create_task(performance.play())
        await sleeper.fell_asleep.wait()
        await performance.ends_done()
        sleeper.wake.set()
        await zombie
        await performance.ends_done()

    @steps_that(can_be_undone)
    @moments(UNDO_MOMENTS)
    async def test_while_undoing(self, harness: SagaHarness, kind: str, step: str, moment: Moment) -> None:
        sleeper = SleepAt(moment, step)
        performance = await harness.perform(kind, unwinding(kind), observer=sleeper)
        zombie = asyncio.create_task(performance.play())
        await sleeper.fell_asleep.wait()
        await performance.ends_undone(because=ORDERED_REFUSAL)
        sleeper.wake.set()
        await zombie
        await performance.ends_undone(because=ORDERED_REFUSAL)
