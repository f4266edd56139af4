"""Whatever a saga raises counts as an attempt and makes it STUCK: none fails for ever without a trace."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

import pytest

from common.errors import Conflict
from orchestrator.saga_engine.engine import StillRunning
from orchestrator.saga_engine.observer import LoggingObserver, StepMoment
from orchestrator.saga_engine.plan import AnyPlan, Call, Plan, Step
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import load, pay, place_order, take_over
from tests.integration.orchestrator.sample_sagas import Order, Participant, order_plan

STEP_TIMEOUT_SECONDS: Final = 0.01


class Broken(Exception):
    """A bug in a saga's own function."""


def broken(*_: object) -> NoReturn:
    raise Broken


class BrokenError(Conflict):
    def __init__(self) -> None:
        raise Broken


async def return_nothing(_: Order, __: Call) -> Any:
    return None


async def return_unstorable(order: Order, _: Call) -> Order:
    """Return text that PostgreSQL cannot store."""
    return order.model_copy(update={"steps": ("\x00",)})


async def cancel(_: Order, __: Call) -> NoReturn:
    """Raise what a client raises whose own task was cancelled."""
    raise asyncio.CancelledError


@dataclass(frozen=True, kw_only=True)
class Bug:
    """One thing in the sample plan that raises, and where its saga is stuck."""

    step: str
    change: dict[str, Any]
    stuck_at: str
    refused_step: str = ""

    def plan(self, participant: Participant) -> AnyPlan:
        plan = order_plan(participant)
        steps: list[Step[Any]] = [
            replace(step, **self.change) if step.name == self.step else step for step in plan.steps
        ]
        on_unwound: Callable[..., Any] | None = plan.on_unwound if self.step else broken
        return Plan("order", Order, *steps, on_unwound=on_unwound, step_timeout_seconds=STEP_TIMEOUT_SECONDS)


BUGS: Final = {
    "message": Bug(step="announce shipment", change={"message": broken}, stuck_at="confirm"),
    "message before a wait": Bug(step="announce reservation", change={"message": broken}, stuck_at="reserve"),
    "deadline": Bug(step="pay", change={"deadline": broken}, stuck_at="reserve"),
    "message at the end of unwinding": Bug(step="", change={}, stuck_at="reserve", refused_step="ship"),
    "undo": Bug(step="charge", change={"undo": broken}, stuck_at="charge", refused_step="ship"),
    "undo that is cancelled": Bug(step="charge", change={"undo": cancel}, stuck_at="charge", refused_step="ship"),
    "condition": Bug(step="confirm", change={"until": broken}, stuck_at="confirm"),
    "action": Bug(step="ship", change={"action": broken}, stuck_at="ship"),
    "action that returns nothing": Bug(step="ship", change={"action": return_nothing}, stuck_at="ship"),
    "action that is cancelled": Bug(step="charge", change={"action": cancel}, stuck_at="charge"),
    "data that cannot be stored": Bug(step="charge", change={"action": return_unstorable}, stuck_at="charge"),
}

each_bug = pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))


@each_bug
async def test_bug_ends_in_stuck_and_after_its_repair_the_saga_ends_by_itself(harness: Harness, bug: Bug) -> None:
    if bug.refused_step:
        harness.participant.fail(bug.refused_step, Conflict(code="NO_CARRIER"))
    saga = await _run_until_stuck(harness, bug)
    assert saga.step == bug.stuck_at
    assert saga.error is not None
    assert saga.error.stuck_at == bug.stuck_at
    assert saga.error.code == ("NO_CARRIER" if bug.refused_step else "INTERNAL_ERROR")
    await harness.make_due()
    assert await take_over(harness.replica()) == 1
    saga = await load(harness.replica(), saga.saga_id)
    is_past_pivot = bug.stuck_at in {"ship", "confirm"}
    assert saga.state is (SagaState.COMPLETED if is_past_pivot else SagaState.UNWOUND)
    assert harness.participant.done == (["reserve", "charge", "ship", "confirm"] if is_past_pivot else [])


@each_bug
async def test_bug_counts_an_attempt_each_time(harness: Harness, bug: Bug) -> None:
    if bug.refused_step:
        harness.participant.fail(bug.refused_step, Conflict(code="NO_CARRIER"))
    saga_id = await _start(harness, bug)
    attempts = (await harness.row(saga_id))["attempts"]
    assert attempts > 0
    await harness.make_due()
    await take_over(harness.replica(plans=[bug.plan(harness.participant)]))
    assert (await harness.row(saga_id))["attempts"] == attempts + 1


async def test_expiry_that_raises_ends_in_stuck(harness: Harness) -> None:
    bug = Bug(step="pay", change={"expired": BrokenError}, stuck_at="pay")
    saga = await place_order(harness.replica())
    await _take_over_until_stuck(harness, bug)
    saga = await load(harness.replica(), saga.saga_id)
    assert (saga.state, saga.step) == (SagaState.STUCK, "pay")


async def test_observer_that_raises_after_the_write_loses_nothing(harness: Harness) -> None:
    class BrokenObserver(LoggingObserver):
        async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
            await super().moment_reached(moment, step, saga)
            if (moment, step) == (StepMoment.AFTER_WRITE, "confirm"):
                raise Broken

    saga = await place_order(harness.replica())
    with pytest.raises(StillRunning):
        await pay(harness.replica(BrokenObserver()), saga)
    row = await harness.row(saga.saga_id)
    assert (row["state"], row["due_at"]) == ("COMPLETED", None)


async def test_cancelled_run_counts_nothing_and_is_taken_over(harness: Harness) -> None:
    """A process that stops cancels what its grace period did not suffice for."""
    started = asyncio.Event()

    class Hanging(LoggingObserver):
        async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
            await super().moment_reached(moment, step, saga)
            if (moment, step) == (StepMoment.BEFORE_ACTION, "charge"):
                started.set()
                await asyncio.Event().wait()

    saga = await place_order(harness.replica())
    stopping = harness.replica(Hanging())
    request = asyncio.create_task(pay(stopping, saga))
    await started.wait()
    await stopping.close(grace_seconds=0)
    with pytest.raises(asyncio.CancelledError):
        await request
    assert (await harness.row(saga.saga_id))["attempts"] == 0
    await harness.make_due()
    await take_over(harness.replica())
    assert (await load(harness.replica(), saga.saga_id)).state is SagaState.COMPLETED


async def _start(harness: Harness, bug: Bug) -> uuid.UUID:
    engine = harness.replica(plans=[bug.plan(harness.participant)])
    saga = await place_order(engine)
    if saga.state is SagaState.WAITING:
        saga = await pay(engine, saga)
    assert saga.state in {SagaState.RUNNING, SagaState.UNWINDING}
    return saga.saga_id


async def _run_until_stuck(harness: Harness, bug: Bug) -> SagaRecord:
    saga_id = await _start(harness, bug)
    await _take_over_until_stuck(harness, bug)
    saga = await load(harness.replica(), saga_id)
    assert saga.state is SagaState.STUCK
    return saga


async def _take_over_until_stuck(harness: Harness, bug: Bug) -> None:
    engine = harness.replica(plans=[bug.plan(harness.participant)])
    while not (await engine.log.list_page(state=SagaState.STUCK, limit=1, offset=0))[0]:
        await harness.make_due()
        await take_over(engine)
