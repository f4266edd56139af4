"""Stored sagas and plans that change: what still fits goes on, what does not becomes STUCK and is listed."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import pytest

from common.http.envelope import Page
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.errors import UnfitSaga
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.plan import AnyPlan, Plan, Step, must_finish, undoable
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.retries import STUCK_ATTEMPTS
from orchestrator.saga_engine.schemas import SagaView
from orchestrator.saga_engine.service import SagaAdminService
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
from tests.integration.orchestrator.sample_sagas import Order, action_of, delivery_plan, order_plan, undo_of
from tests.support.timeouts import CONDITION_SECONDS

NO_VALID_WAIT: Final = f'{{"saga_id": "{uuid.UUID(int=1)}", "wait_seconds": "soon"}}'

unfit = pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"kind": "of another release"}, "SAGA_KIND_UNKNOWN"),
        ({"step_name": "sign contract"}, "SAGA_STEP_UNKNOWN"),
        ({"step_name": "confirm"}, "SAGA_STATE_INVALID"),  # it cannot be waited at, nor be undone
        ({"data": NO_VALID_WAIT}, "SAGA_DATA_INVALID"),
        ({"data": "null"}, "SAGA_DATA_INVALID"),
        ({"error": '["no", "error"]', "state": "UNWINDING"}, "SAGA_DATA_INVALID"),
        ({"state": "OF ANOTHER RELEASE"}, "SAGA_DATA_INVALID"),
    ],
    ids=["kind", "step", "kind of step", "data", "no data", "error", "state"],
)


class TestUnfit:
    @unfit
    async def test_becomes_stuck_and_others_go_on(self, harness: Harness, columns: dict[str, str], code: str) -> None:
        engine = harness.replica()
        saga_id, plain_id = [(await place_order(engine)).saga_id for _ in range(2)]
        await harness.change(saga_id, **columns)
        await harness.make_due()
        await take_over(engine)
        assert (await load(engine, plain_id)).state is SagaState.UNWOUND
        assert (await harness.row(saga_id))["attempts"] == 1
        await _take_over_until_stuck(harness, engine)
        row = await harness.row(saga_id)
        assert (row["state"], row["attempts"]) == ("STUCK", STUCK_ATTEMPTS)
        assert row["error"]["stuck_code"] == code
        await harness.make_due()
        await take_over(engine)
        row = await harness.row(saga_id)
        # What cannot be read of it is lost, or its step is: then it rests. Otherwise it unwinds from its step.
        heals = {"error", "state"} & columns.keys()
        assert (row["state"], row["attempts"]) == (("UNWOUND", 0) if heals else ("STUCK", STUCK_ATTEMPTS + 1))
        assert harness.participant.done == ([] if heals else ["reserve"])

    @unfit
    async def test_is_listed_at_every_moment(self, harness: Harness, columns: dict[str, str], code: str) -> None:
        engine = harness.replica()
        saga_id, plain_id = [(await place_order(engine)).saga_id for _ in range(2)]
        await harness.change(saga_id, **columns)
        assert {view.saga_id for view in await _listed(engine)} == {saga_id, plain_id}
        await _take_over_until_stuck(harness, engine)
        [view] = await _listed(engine, SagaState.STUCK)
        step = columns.get("step_name", "pay")
        assert (view.saga_id, view.step, view.error_code, view.stuck_code) == (saga_id, step, code, code)

    async def test_keeps_the_cause_of_its_unwinding(self, harness: Harness) -> None:
        engine = harness.replica()
        saga_id = (await place_order(engine)).saga_id
        cause = '{"kind": "conflict", "code": "NO_CARRIER", "public_message": "", "step": "ship"}'
        await harness.change(saga_id, state="UNWINDING", step_name="sign contract", error=cause)
        await _take_over_until_stuck(harness, engine)
        [view] = await _listed(engine, SagaState.STUCK)
        assert (view.error_code, view.stuck_code) == ("NO_CARRIER", "SAGA_STEP_UNKNOWN")

    async def test_goes_on_in_a_replica_that_it_fits(self, harness: Harness) -> None:
        """During a deployment the older copies do not know the newer ones' plans."""
        saga_id = (await place_order(harness.replica())).saga_id
        older = harness.replica(plans=[delivery_plan(harness.participant)])
        for _ in range(STUCK_ATTEMPTS - 1):
            await harness.make_due()
            assert await take_over(older) == 0
        assert (await run_until_at_rest(harness, saga_id)).state is SagaState.UNWOUND

    async def test_signal_is_refused_and_counts(self, harness: Harness) -> None:
        engine = harness.replica()
        saga = await place_order(engine)
        await harness.change(saga.saga_id, data=NO_VALID_WAIT)
        with pytest.raises(UnfitSaga):
            await engine.signal(saga.saga_id, "pay", kind="order", signalled_by=BUYER)
        assert (await harness.row(saga.saga_id))["attempts"] == 1

    async def test_retry_is_refused_until_it_fits(self, harness: Harness) -> None:
        engine = harness.replica()
        saga_id = (await place_order(engine)).saga_id
        await harness.change(saga_id, kind="of another release")
        await _take_over_until_stuck(harness, engine)
        with pytest.raises(UnfitSaga):
            await engine.retry_stuck(saga_id)
        await harness.change(saga_id, kind="order")
        assert (await engine.retry_stuck(saga_id)).state is SagaState.UNWOUND
        assert harness.participant.done == []

    async def test_goes_on_by_itself_once_it_fits(self, harness: Harness) -> None:
        engine = harness.replica()
        saga_id = (await place_order(engine)).saga_id
        await harness.change(saga_id, kind="of another release")
        await _take_over_until_stuck(harness, engine)
        await harness.change(saga_id, kind="order")
        await harness.make_due()
        await take_over(engine)
        assert (await load(engine, saga_id)).state is SagaState.UNWOUND


class TestChangedPlan:
    async def test_gained_steps_are_done(self, harness: Harness) -> None:
        waiting = await place_order(harness.replica())
        done = harness.participant
        reserve, announce, wait, *rest = order_plan(done).steps
        check = undoable("check", action_of(done, "check"), undo_of(done, "check"))
        notify = undoable("notify", action_of(done, "notify"), undo_of(done, "notify"))
        audit: Step[Any] = must_finish("audit", action_of(done, "audit"))
        engine = harness.replica(plans=[_order_plan(notify, reserve, announce, wait, check, *rest, audit)])
        assert (await pay(engine, waiting)).state is SagaState.COMPLETED
        assert done.done == ["reserve", "check", "charge", "ship", "confirm", "audit"]

    async def test_reordered_steps_go_on_at_the_named_one(self, harness: Harness) -> None:
        participant = harness.participant
        reserve, announce, wait, *rest = order_plan(participant).steps
        check = undoable("check", action_of(participant, "check"), undo_of(participant, "check"))
        before = harness.replica(plans=[_order_plan(check, reserve, announce, wait, *rest)])
        after = harness.replica(plans=[_order_plan(reserve, announce, check, wait, *rest)])
        assert (await pay(after, await place_order(before))).state is SagaState.COMPLETED
        assert participant.done == ["check", "reserve", "charge", "ship", "confirm"]

    async def test_lost_step_sticks_its_sagas_only(self, harness: Harness) -> None:
        saga = await place_order(harness.replica())
        with pytest.raises(Crashed):
            await pay(harness.replica(CrashAt(StepMoment.BEFORE_ACTION, "confirm")), saga)
        without = [step for step in order_plan(harness.participant).steps if step.name != "confirm"]
        shorter = harness.replica(plans=[_order_plan(*without)])
        other = await pay(shorter, await place_order(shorter))
        assert other.state is SagaState.COMPLETED
        await _take_over_until_stuck(harness, shorter)
        [view] = await _listed(shorter, SagaState.STUCK)
        assert (view.saga_id, view.step, view.error_code) == (saga.saga_id, "confirm", "SAGA_STEP_UNKNOWN")
        assert (await harness.replica().retry_stuck(saga.saga_id)).state is SagaState.COMPLETED


def _order_plan(*steps: Step[Any]) -> AnyPlan:
    return Plan("order", Order, *steps, step_timeout_seconds=CONDITION_SECONDS)


async def _take_over_until_stuck(harness: Harness, engine: SagaEngine) -> None:
    while not await _listed(engine, SagaState.STUCK):
        await harness.make_due()
        await take_over(engine)


async def _listed(engine: SagaEngine, state: SagaState | None = None) -> Sequence[SagaView]:
    views, total = await SagaAdminService(engine).page(state=state, page=Page(page=1, per_page=10))
    assert total.number == len(views)
    return views
