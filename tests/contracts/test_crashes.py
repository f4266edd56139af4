"""The contract of every saga, when its process dies: see `test_actions`."""

from orchestrator.saga_engine.observer import Moment
from tests.contracts.cases import ACTION_MOMENTS, UNDO_MOMENTS, acts, can_be_undone, moments, steps_that, unwinding
from tests.contracts.faults import ORDERED_REFUSAL
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import KillAt


class TestDeath:
    @steps_that(acts)
    @moments(ACTION_MOMENTS)
    async def test_while_acting(self, harness: SagaHarness, kind: str, step: str, moment: Moment) -> None:
        killer = KillAt(moment, step)
        performance = await harness.perform(kind, observer=killer)
        await performance.ends_done()
        assert killer.has_killed

    @steps_that(can_be_undone)
    @moments(UNDO_MOMENTS)
    async def test_while_undoing(self, harness: SagaHarness, kind: str, step: str, moment: Moment) -> None:
        killer = KillAt(moment, step)
        performance = await harness.perform(kind, unwinding(kind), observer=killer)
        await performance.ends_undone(because=ORDERED_REFUSAL)
        assert killer.has_killed
