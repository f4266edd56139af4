"""The engine's rules, each broken into on purpose."""

import asyncio
import uuid

import pytest

from common.errors import Busy, Conflict, OutcomeUnknown, Unprocessable
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.observer import LoggingObserver, Moment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.integration.orchestrator.conftest import Bakery
from tests.integration.orchestrator.kitchen_hands import (
    BAKER,
    KillAt,
    Killed,
    found,
    heat,
    mix,
    run_until_at_rest,
    taken_over,
)
from tests.integration.orchestrator.sample_sagas import Cake
from tests.support.timeouts import CONDITION_SECONDS

WHOLE_CAKE = ["mix", "preheat", "bake", "decorate"]


async def test_goes_through_its_story(bakery: Bakery) -> None:
    engine = bakery.replica()
    saga = await mix(engine)
    assert saga.state is SagaState.WAITING
    assert bakery.kitchen.done == ["mix"]
    saga = await heat(engine, saga)
    assert saga.state is SagaState.COMPLETED
    assert bakery.kitchen.done == WHOLE_CAKE
    assert await bakery.announced() == ["cake.mixed", "cake.baked"]


@pytest.mark.parametrize("step", ["mix", "preheat", "bake"])
async def test_refusal_before_the_pivot_unwinds_in_reverse(bakery: Bakery, step: str) -> None:
    bakery.kitchen.fail(step, Conflict(code="NO_FLOUR"))
    engine = bakery.replica()
    saga = await mix(engine)
    if step != "mix":
        saga = await heat(engine, saga)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert (saga.error.code, saga.error.step) == ("NO_FLOUR", step)
    assert bakery.kitchen.done == []
    # Nothing was done before the first step, so nobody is told that it was undone.
    assert ("cake.failed" in await bakery.announced()) == (step != "mix")


@pytest.mark.parametrize("step", WHOLE_CAKE)
async def test_lost_reply_is_asked_for_again_with_the_same_id(bakery: Bakery, step: str) -> None:
    bakery.kitchen.lose_reply(step)
    engine = bakery.replica()
    saga = await heat(engine, await mix(engine))
    assert saga.state is SagaState.COMPLETED
    assert bakery.kitchen.done == WHOLE_CAKE
    assert [count for (name, _), count in bakery.kitchen.calls.items() if name == step] == [2]


async def test_unknown_outcome_of_an_undoable_step_is_taken_back(bakery: Bakery) -> None:
    engine = bakery.replica(step_timeout_seconds=0.3)
    saga = await mix(engine)
    bakery.kitchen.lose_reply("preheat", *[OutcomeUnknown()] * 100)
    saga = await heat(engine, saga)
    assert saga.state is SagaState.UNWOUND
    assert bakery.kitchen.done == []


@pytest.mark.parametrize("step", ["bake", "decorate"])
async def test_unknown_outcome_from_the_pivot_on_is_never_given_up(bakery: Bakery, step: str) -> None:
    bakery.kitchen.fail(step, *[OutcomeUnknown()] * 15)
    engine = bakery.replica(step_timeout_seconds=0.3)
    saga = await mix(engine)
    await heat(engine, saga)
    saga = await run_until_at_rest(bakery, saga.saga_id)
    assert saga.state is SagaState.COMPLETED
    assert bakery.kitchen.done == WHOLE_CAKE


@pytest.mark.parametrize("step", WHOLE_CAKE)
@pytest.mark.parametrize("moment", [Moment.BEFORE_ACTION, Moment.AFTER_ACTION, Moment.AFTER_WRITE])
async def test_killed_anywhere_another_replica_finishes(bakery: Bakery, moment: Moment, step: str) -> None:
    doomed = bakery.replica(KillAt(moment, step))
    saga_id = uuid.uuid4()
    cake = Cake(saga_id=saga_id)
    with pytest.raises(Killed):
        await _start_and_heat(doomed, cake)
    saga = await run_until_at_rest(bakery, saga_id)
    if saga.state is SagaState.WAITING:
        saga = await heat(bakery.replica(), saga)
    assert saga.state is SagaState.COMPLETED
    assert bakery.kitchen.done == WHOLE_CAKE
    assert await bakery.announced() == ["cake.mixed", "cake.baked"]


async def _start_and_heat(engine: SagaEngine, cake: Cake) -> None:
    saga = await engine.start("baking", cake, requested_by=BAKER)
    await heat(engine, saga)


@pytest.mark.parametrize("step", ["mix", "preheat"])
@pytest.mark.parametrize("moment", [Moment.BEFORE_UNDO, Moment.AFTER_UNDO, Moment.AFTER_WRITE])
async def test_killed_while_unwinding_another_replica_finishes(bakery: Bakery, moment: Moment, step: str) -> None:
    bakery.kitchen.fail("bake", Conflict(code="NO_OVEN"))
    saga = await mix(bakery.replica())
    with pytest.raises(Killed):
        await heat(bakery.replica(KillAt(moment, step)), saga)
    saga = await run_until_at_rest(bakery, saga.saga_id)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert saga.error.code == "NO_OVEN"
    assert bakery.kitchen.done == []
    assert await bakery.announced() == ["cake.mixed", "cake.failed"]


async def test_wait_that_runs_out_unwinds(bakery: Bakery) -> None:
    engine = bakery.replica()
    saga = await mix(engine)
    await bakery.make_due()
    assert await taken_over(engine) == 1
    saga = await found(engine, saga.saga_id)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert saga.error.code == "OVEN_EXPIRED"
    assert await engine.signal(saga.saga_id, "heat", kind="baking", signalled_by=BAKER) is None


async def test_signal_after_the_deadline_finds_nobody_waiting(bakery: Bakery) -> None:
    engine = bakery.replica()
    saga = await mix(engine)
    await bakery.make_due()
    assert await engine.signal(saga.saga_id, "heat", kind="baking", signalled_by=BAKER) is None
    assert bakery.kitchen.done == ["mix"]


async def test_stranger_cannot_signal(bakery: Bakery) -> None:
    engine = bakery.replica()
    saga = await mix(engine)
    assert await engine.signal(saga.saga_id, "heat", kind="baking", signalled_by=uuid.uuid4()) is None


async def test_others_may_signal_when_the_caller_says_so(bakery: Bakery) -> None:
    engine = bakery.replica()
    saga = await mix(engine)
    heated = await engine.signal(
        saga.saga_id, "heat", kind="baking", signalled_by=uuid.uuid4(), key="theirs", by_starter_only=False
    )
    assert heated is not None
    assert heated.state is SagaState.COMPLETED


async def test_hundred_signals_at_once_bake_one_cake(bakery: Bakery) -> None:
    replicas = [bakery.replica() for _ in range(4)]
    saga = await mix(replicas[0])
    signals = (replicas[i % 4].signal(saga.saga_id, "heat", kind="baking", signalled_by=BAKER) for i in range(100))
    outcomes = await asyncio.gather(*signals)
    assert [outcome.state for outcome in outcomes if outcome] == [SagaState.COMPLETED]
    assert bakery.kitchen.done == WHOLE_CAKE


async def test_twenty_recoverers_take_a_saga_over_once(bakery: Bakery) -> None:
    saga = await mix(bakery.replica())
    await bakery.make_due()
    replicas = [bakery.replica() for _ in range(20)]
    assert sum(await asyncio.gather(*(taken_over(replica) for replica in replicas))) == 1
    assert (await found(replicas[0], saga.saga_id)).state is SagaState.UNWOUND


async def test_zombie_cannot_write(bakery: Bakery) -> None:
    """The owner sleeps through its lease right after its action; another replica ends the saga meanwhile."""
    asleep, wake = asyncio.Event(), asyncio.Event()

    class SleepAfterPreheat(LoggingObserver):
        async def reached(self, moment: Moment, step: str, _: SagaRecord) -> None:
            if (moment, step) == (Moment.AFTER_ACTION, "preheat"):
                asleep.set()
                await wake.wait()

    saga = await mix(bakery.replica())
    zombie = asyncio.create_task(heat(bakery.replica(SleepAfterPreheat()), saga))
    await asleep.wait()
    saga = await run_until_at_rest(bakery, saga.saga_id)
    assert saga.state is SagaState.COMPLETED
    wake.set()
    with pytest.raises(StillRunning):
        await zombie
    assert bakery.kitchen.done == WHOLE_CAKE
    assert await bakery.announced() == ["cake.mixed", "cake.baked"]


class TestSameIdAgain:
    async def test_same_request_finds_the_first(self, bakery: Bakery) -> None:
        engine = bakery.replica()
        cake = Cake(saga_id=uuid.uuid4())
        first = await engine.start("baking", cake, requested_by=BAKER, fingerprint="chocolate")
        again = await engine.start("baking", cake, requested_by=BAKER, fingerprint="chocolate")
        assert (again.saga_id, again.state) == (first.saga_id, SagaState.WAITING)
        assert bakery.kitchen.done == ["mix"]

    async def test_other_request_is_refused(self, bakery: Bakery) -> None:
        engine = bakery.replica()
        cake = Cake(saga_id=uuid.uuid4())
        await engine.start("baking", cake, requested_by=BAKER, fingerprint="chocolate")
        with pytest.raises(Unprocessable):
            await engine.start("baking", cake, requested_by=BAKER, fingerprint="vanilla")

    async def test_hundred_at_once_are_one_saga(self, bakery: Bakery) -> None:
        engine = bakery.replica()
        cake = Cake(saga_id=uuid.uuid4())
        starts = (engine.start("baking", cake, requested_by=BAKER, fingerprint="x") for _ in range(100))
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        assert all(isinstance(o, SagaRecord | Busy) for o in outcomes)
        assert bakery.kitchen.done == ["mix"]


class TestStuck:
    async def test_undo_that_keeps_failing_is_kept_for_people(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("bake", Conflict(code="NO_OVEN"))
        bakery.kitchen.fail("undo preheat", *[Conflict(code="TOO_HOT")] * 5)
        saga = await mix(bakery.replica())
        await heat(bakery.replica(), saga)
        saga = await run_until_at_rest(bakery, saga.saga_id)
        assert saga.state is SagaState.STUCK
        assert saga.error is not None
        assert saga.error.code == "NO_OVEN"
        assert (saga.error.stuck_at, saga.error.stuck_code) == ("preheat", "TOO_HOT")
        await bakery.make_due()
        assert await taken_over(bakery.replica()) == 0

    async def test_retry_takes_it_back_after_all(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("bake", Conflict(code="NO_OVEN"))
        bakery.kitchen.fail("undo preheat", *[Conflict(code="TOO_HOT")] * 5)
        saga = await mix(bakery.replica())
        await heat(bakery.replica(), saga)
        saga = await run_until_at_rest(bakery, saga.saga_id)
        saga = await bakery.replica().retry_stuck(saga.saga_id)
        assert saga.state is SagaState.UNWOUND
        assert bakery.kitchen.done == []

    async def test_refused_step_after_the_pivot_is_stuck_and_can_be_finished(self, bakery: Bakery) -> None:
        bakery.kitchen.fail("decorate", Conflict(code="NO_CHERRIES"))
        engine = bakery.replica()
        saga = await heat(engine, await mix(engine))
        assert saga.state is SagaState.STUCK
        assert bakery.kitchen.done == ["mix", "preheat", "bake"]
        with pytest.raises(Conflict):
            await engine.retry_stuck((await mix(engine)).saga_id)
        assert (await engine.retry_stuck(saga.saga_id)).state is SagaState.COMPLETED

    async def test_step_that_keeps_breaking_down_is_repeated_and_then_kept_for_people(self, bakery: Bakery) -> None:
        bakery.kitchen.break_down("bake", times=10_000)
        saga = await mix(bakery.replica())
        await heat(bakery.replica(step_timeout_seconds=0.01), saga)
        saga = await run_until_at_rest(bakery, saga.saga_id, step_timeout_seconds=0.01)
        assert saga.state is SagaState.STUCK
        assert saga.error is not None
        assert (saga.error.stuck_at, saga.error.was_refused) == ("bake", False)
        bakery.kitchen.break_down("bake", times=0)
        assert (await bakery.replica().retry_stuck(saga.saga_id)).state is SagaState.COMPLETED
        assert bakery.kitchen.done == WHOLE_CAKE

    async def test_step_that_breaks_down_once_is_repeated(self, bakery: Bakery) -> None:
        bakery.kitchen.break_down("preheat", times=1)
        saga = await heat(bakery.replica(), await mix(bakery.replica()))
        assert saga.state is SagaState.COMPLETED


async def test_unreadable_saga_does_not_keep_others_from_going_on(bakery: Bakery) -> None:
    engine = bakery.replica()
    strange, plain = await mix(engine), await mix(engine)
    await bakery.make_unreadable(strange.saga_id)
    await bakery.make_due()
    await taken_over(engine)
    assert (await found(engine, plain.saga_id)).state is SagaState.UNWOUND


async def test_caller_that_leaves_stops_nothing(bakery: Bakery) -> None:
    engine = bakery.replica()
    saga = await mix(engine)
    request = asyncio.create_task(heat(engine, saga))
    await asyncio.sleep(0)
    request.cancel()
    await engine.close(grace_seconds=CONDITION_SECONDS)
    assert (await found(engine, saga.saga_id)).state is SagaState.COMPLETED


async def test_slow_saga_answers_in_time_and_goes_on(bakery: Bakery) -> None:
    engine = bakery.replica(budget_seconds=0.05)
    saga = await mix(bakery.replica())
    bakery.kitchen.fail("preheat", OutcomeUnknown(), OutcomeUnknown())
    with pytest.raises(StillRunning):
        await heat(engine, saga)
    await engine.close(grace_seconds=CONDITION_SECONDS)
    assert (await found(engine, saga.saga_id)).state is SagaState.COMPLETED
