"""The engine's rules, each under an injected fault."""

import asyncio
import uuid

import pytest
from sqlalchemy import text

from common.errors import Busy, Conflict, OutcomeUnknown, Unprocessable
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.errors import SagaNotStuck
from orchestrator.saga_engine.observer import LoggingObserver, StepMoment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from orchestrator.saga_engine.retries import STUCK_ATTEMPTS
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import (
    BUYER,
    CrashAt,
    Crashed,
    load,
    pay,
    place_order,
    run_until_at_rest,
    take_over,
)
from tests.integration.orchestrator.sample_sagas import Order
from tests.support.timeouts import CONDITION_SECONDS
from tests.support.waiting import eventually

ALL_STEPS = ["reserve", "charge", "ship", "confirm"]
WAITING_FOR_A_LOCK = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def test_runs_every_step(harness: Harness) -> None:
    engine = harness.replica()
    saga = await place_order(engine)
    assert saga.state is SagaState.WAITING
    assert harness.participant.done == ["reserve"]
    saga = await pay(engine, saga)
    assert saga.state is SagaState.COMPLETED
    assert harness.participant.done == ALL_STEPS
    assert await harness.announced() == ["order.reserved", "order.shipped"]


@pytest.mark.parametrize("step", ["reserve", "charge", "ship"])
async def test_refusal_before_the_pivot_unwinds_in_reverse(harness: Harness, step: str) -> None:
    harness.participant.fail(step, Conflict(code="OUT_OF_STOCK"))
    engine = harness.replica()
    saga = await place_order(engine)
    if step != "reserve":
        saga = await pay(engine, saga)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert (saga.error.code, saga.error.step) == ("OUT_OF_STOCK", step)
    assert harness.participant.done == []
    # Nothing was done before the first step, so no message says that it was undone.
    assert ("order.failed" in await harness.announced()) == (step != "reserve")


@pytest.mark.parametrize("step", ALL_STEPS)
async def test_lost_reply_is_asked_for_again_with_the_same_id(harness: Harness, step: str) -> None:
    harness.participant.lose_reply(step)
    engine = harness.replica()
    saga = await pay(engine, await place_order(engine))
    assert saga.state is SagaState.COMPLETED
    assert harness.participant.done == ALL_STEPS
    assert [count for (name, _), count in harness.participant.calls.items() if name == step] == [2]


async def test_unknown_outcome_of_an_undoable_step_is_undone(harness: Harness) -> None:
    engine = harness.replica(step_timeout_seconds=0.3)
    saga = await place_order(engine)
    harness.participant.lose_reply("charge", *[OutcomeUnknown()] * 100)
    saga = await pay(engine, saga)
    assert saga.state is SagaState.UNWOUND
    assert harness.participant.done == []


@pytest.mark.parametrize("step", ["ship", "confirm"])
async def test_unknown_outcome_from_the_pivot_on_is_repeated(harness: Harness, step: str) -> None:
    harness.participant.fail(step, *[OutcomeUnknown()] * 15)
    engine = harness.replica(step_timeout_seconds=0.3)
    saga = await place_order(engine)
    await pay(engine, saga)
    saga = await run_until_at_rest(harness, saga.saga_id)
    assert saga.state is SagaState.COMPLETED
    assert harness.participant.done == ALL_STEPS


@pytest.mark.parametrize("step", ALL_STEPS)
@pytest.mark.parametrize("moment", [StepMoment.BEFORE_ACTION, StepMoment.AFTER_ACTION, StepMoment.AFTER_WRITE])
async def test_after_a_crash_anywhere_another_replica_finishes(harness: Harness, moment: StepMoment, step: str) -> None:
    crashing = harness.replica(CrashAt(moment, step))
    saga_id = uuid.uuid4()
    order = Order(saga_id=saga_id)
    with pytest.raises(Crashed):
        await _place_and_pay(crashing, order)
    saga = await run_until_at_rest(harness, saga_id)
    if saga.state is SagaState.WAITING:
        saga = await pay(harness.replica(), saga)
    assert saga.state is SagaState.COMPLETED
    assert harness.participant.done == ALL_STEPS
    assert await harness.announced() == ["order.reserved", "order.shipped"]


async def _place_and_pay(engine: SagaEngine, order: Order) -> None:
    saga = await engine.start("order", order, requested_by=BUYER)
    await pay(engine, saga)


@pytest.mark.parametrize("step", ["reserve", "charge"])
@pytest.mark.parametrize("moment", [StepMoment.BEFORE_UNDO, StepMoment.AFTER_UNDO, StepMoment.AFTER_WRITE])
async def test_after_a_crash_while_unwinding_another_replica_finishes(
    harness: Harness, moment: StepMoment, step: str
) -> None:
    harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
    saga = await place_order(harness.replica())
    with pytest.raises(Crashed):
        await pay(harness.replica(CrashAt(moment, step)), saga)
    saga = await run_until_at_rest(harness, saga.saga_id)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert saga.error.code == "NO_CARRIER"
    assert harness.participant.done == []
    assert await harness.announced() == ["order.reserved", "order.failed"]


async def test_wait_that_runs_out_unwinds(harness: Harness) -> None:
    engine = harness.replica()
    saga = await place_order(engine)
    await harness.make_due()
    assert await take_over(engine) == 1
    saga = await load(engine, saga.saga_id)
    assert saga.state is SagaState.UNWOUND
    assert saga.error is not None
    assert saga.error.code == "PAYMENT_EXPIRED"
    assert await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER) is None


async def test_signal_after_the_deadline_changes_nothing(harness: Harness) -> None:
    engine = harness.replica()
    saga = await place_order(engine)
    await harness.make_due()
    assert await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER) is None
    assert harness.participant.done == ["reserve"]


async def test_other_user_cannot_signal(harness: Harness) -> None:
    engine = harness.replica()
    saga = await place_order(engine)
    assert await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=uuid.uuid4()) is None


async def test_other_user_may_signal_if_the_caller_allows_it(harness: Harness) -> None:
    engine = harness.replica()
    saga = await place_order(engine)
    paid = await engine.signal(
        saga.saga_id, "pay", kind="order", signalled_by=uuid.uuid4(), key="theirs", by_starter_only=False
    )
    assert paid is not None
    assert paid.state is SagaState.COMPLETED


async def test_hundred_signals_at_once_run_it_once(harness: Harness) -> None:
    replicas = [harness.replica() for _ in range(4)]
    saga = await place_order(replicas[0])
    signals = (replicas[i % 4].signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER) for i in range(100))
    outcomes = await asyncio.gather(*signals)
    assert [outcome.state for outcome in outcomes if outcome] == [SagaState.COMPLETED]
    assert harness.participant.done == ALL_STEPS


async def test_twenty_recoverers_take_a_saga_over_once(harness: Harness) -> None:
    saga = await place_order(harness.replica())
    await harness.make_due()
    replicas = [harness.replica() for _ in range(20)]
    assert sum(await asyncio.gather(*(take_over(replica) for replica in replicas))) == 1
    assert (await load(replicas[0], saga.saga_id)).state is SagaState.UNWOUND


async def test_locked_saga_is_left_to_the_recoverer_that_locked_it(harness: Harness) -> None:
    """Two recoverers find the saga while a third takes it over: neither waits for its lock, and neither gets the saga."""
    saga = await place_order(harness.replica())
    await harness.make_due()
    async with harness.database.transaction() as third:
        await third.execute(text("SELECT FROM sagas WHERE saga_id = :saga_id FOR UPDATE"), {"saga_id": saga.saga_id})
        others = [asyncio.create_task(take_over(harness.replica())) for _ in range(2)]

        async def both_decided() -> bool:
            return all(other.done() for other in others) or bool(await harness.database.fetch_all(WAITING_FOR_A_LOCK))

        await eventually(both_decided)
        assert [other.done() for other in others] == [True, True], "a recoverer waits for the lock"
        assert await asyncio.gather(*others) == [0, 0]
    assert await take_over(harness.replica()) == 1
    assert (await load(harness.replica(), saga.saga_id)).state is SagaState.UNWOUND
    assert [times for (step, _), times in harness.participant.calls.items() if step == "undo reserve"] == [1]


async def test_zombie_cannot_write(harness: Harness) -> None:
    """The owner sleeps through its lease right after its action; another replica ends the saga meanwhile."""
    asleep, wake = asyncio.Event(), asyncio.Event()

    class SleepAfterCharge(LoggingObserver):
        async def moment_reached(self, moment: StepMoment, step: str, _: SagaRecord) -> None:
            if (moment, step) == (StepMoment.AFTER_ACTION, "charge"):
                asleep.set()
                await wake.wait()

    saga = await place_order(harness.replica())
    zombie = asyncio.create_task(pay(harness.replica(SleepAfterCharge()), saga))
    await asleep.wait()
    saga = await run_until_at_rest(harness, saga.saga_id)
    assert saga.state is SagaState.COMPLETED
    wake.set()
    with pytest.raises(StillRunning):
        await zombie
    assert harness.participant.done == ALL_STEPS
    assert await harness.announced() == ["order.reserved", "order.shipped"]


class TestSameIdAgain:
    async def test_same_request_finds_the_first(self, harness: Harness) -> None:
        engine = harness.replica()
        order = Order(saga_id=uuid.uuid4())
        first = await engine.start("order", order, requested_by=BUYER, fingerprint="first")
        again = await engine.start("order", order, requested_by=BUYER, fingerprint="first")
        assert (again.saga_id, again.state) == (first.saga_id, SagaState.WAITING)
        assert harness.participant.done == ["reserve"]

    async def test_other_request_is_refused(self, harness: Harness) -> None:
        engine = harness.replica()
        order = Order(saga_id=uuid.uuid4())
        await engine.start("order", order, requested_by=BUYER, fingerprint="first")
        with pytest.raises(Unprocessable):
            await engine.start("order", order, requested_by=BUYER, fingerprint="second")

    async def test_hundred_at_once_are_one_saga(self, harness: Harness) -> None:
        engine = harness.replica()
        order = Order(saga_id=uuid.uuid4())
        starts = (engine.start("order", order, requested_by=BUYER, fingerprint="x") for _ in range(100))
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        assert all(isinstance(o, SagaRecord | Busy) for o in outcomes)
        assert harness.participant.done == ["reserve"]


class TestStuck:
    async def test_undo_that_keeps_failing_makes_it_stuck(self, harness: Harness) -> None:
        harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
        harness.participant.fail("undo charge", *[Conflict(code="LEDGER_CLOSED")] * STUCK_ATTEMPTS)
        saga = await place_order(harness.replica())
        await pay(harness.replica(), saga)
        saga = await run_until_at_rest(harness, saga.saga_id)
        assert saga.state is SagaState.STUCK
        assert saga.error is not None
        assert saga.error.code == "NO_CARRIER"
        assert (saga.error.stuck_at, saga.error.stuck_code) == ("charge", "LEDGER_CLOSED")

    async def test_retry_unwinds_it(self, harness: Harness) -> None:
        harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
        harness.participant.fail("undo charge", *[Conflict(code="LEDGER_CLOSED")] * STUCK_ATTEMPTS)
        saga = await place_order(harness.replica())
        await pay(harness.replica(), saga)
        saga = await run_until_at_rest(harness, saga.saga_id)
        saga = await harness.replica().retry_stuck(saga.saga_id)
        assert saga.state is SagaState.UNWOUND
        assert harness.participant.done == []
        with pytest.raises(SagaNotStuck):
            await harness.replica().retry_stuck(saga.saga_id)

    async def test_refused_step_after_the_pivot_is_stuck_and_can_be_finished(self, harness: Harness) -> None:
        harness.participant.fail("confirm", Conflict(code="NO_RECORD"))
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine))
        assert saga.state is SagaState.STUCK
        assert harness.participant.done == ["reserve", "charge", "ship"]
        with pytest.raises(SagaNotStuck):
            await engine.retry_stuck((await place_order(engine)).saga_id)
        assert (await engine.retry_stuck(saga.saga_id)).state is SagaState.COMPLETED
        with pytest.raises(SagaNotStuck):
            await engine.retry_stuck(saga.saga_id)

    async def test_step_that_keeps_crashing_is_repeated_and_then_stuck(self, harness: Harness) -> None:
        harness.participant.crash("ship", times=10_000)
        saga = await place_order(harness.replica())
        await pay(harness.replica(step_timeout_seconds=0.01), saga)
        saga = await run_until_at_rest(harness, saga.saga_id, step_timeout_seconds=0.01)
        assert saga.state is SagaState.STUCK
        assert saga.error is not None
        assert saga.error.stuck_at == "ship"
        harness.participant.crash("ship", times=0)
        assert (await harness.replica().retry_stuck(saga.saga_id)).state is SagaState.COMPLETED
        assert harness.participant.done == ALL_STEPS

    async def test_step_that_crashes_once_is_repeated(self, harness: Harness) -> None:
        harness.participant.crash("charge", times=1)
        saga = await pay(harness.replica(), await place_order(harness.replica()))
        assert saga.state is SagaState.COMPLETED


async def test_client_that_disconnects_stops_nothing(harness: Harness) -> None:
    engine = harness.replica()
    saga = await place_order(engine)
    request = asyncio.create_task(pay(engine, saga))
    await asyncio.sleep(0)
    request.cancel()
    await engine.close(grace_seconds=CONDITION_SECONDS)
    assert (await load(engine, saga.saga_id)).state is SagaState.COMPLETED


async def test_slow_saga_exceeds_the_budget_and_goes_on(harness: Harness) -> None:
    engine = harness.replica(budget_seconds=0.05)
    saga = await place_order(harness.replica())
    harness.participant.fail("charge", OutcomeUnknown(), OutcomeUnknown())
    with pytest.raises(StillRunning):
        await pay(engine, saga)
    await engine.close(grace_seconds=CONDITION_SECONDS)
    assert (await load(engine, saga.saga_id)).state is SagaState.COMPLETED
