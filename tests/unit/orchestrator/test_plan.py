import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import Gone
from orchestrator.saga_engine.plan import Call, Plan, SagaData, Step, must_finish, pivot, undoable, wait


async def act(data: SagaData, _: Call) -> SagaData:
    return data


async def take_back(_: SagaData, __: Call) -> None:
    return None


FIRST = undoable("first", act, take_back)
WAIT: Step[Any] = wait("go", deadline=lambda _: datetime.now(UTC), expired=Gone)
SECOND = undoable("second", act, take_back)
PIVOT = pivot("pivot", act)
LAST = must_finish("last", act)


@pytest.mark.parametrize(
    "steps",
    [
        (FIRST, LAST),
        (FIRST, PIVOT, pivot("again", act)),
        (FIRST, LAST, PIVOT),
        (FIRST, PIVOT, SECOND),
        (FIRST, PIVOT, WAIT),
        (LAST, PIVOT),
        (WAIT, FIRST, PIVOT),
        (FIRST, FIRST, PIVOT),
        (FIRST, undoable("late", act, take_back, lapses=True), PIVOT),
    ],
    ids=lambda steps: " ".join(step.name for step in steps),
)
def test_invalid_plan_is_refused_at_start(steps: tuple[Step[Any], ...]) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Plan("nonsense", SagaData, *steps)


def test_call_id_depends_only_on_saga_step_phase_and_round() -> None:
    saga_id = uuid.uuid4()
    plan, same = (Plan("some", SagaData, FIRST, WAIT, SECOND, PIVOT) for _ in range(2))
    assert plan.action_call(saga_id, "second", round_number=0) == same.action_call(saga_id, "second", round_number=0)
    ids = {
        plan.action_call(saga, step, round_number=round_number).request_id
        for saga in (saga_id, uuid.uuid4())
        for step in ("first", "second")
        for round_number in (0, 1)
    }
    # The first step precedes the wait: no round repeats it.
    assert len(ids) == 2 * (1 + 2)


def test_undo_carries_the_call_id_of_its_action() -> None:
    saga_id = uuid.uuid4()
    plan = Plan("some", SagaData, FIRST, WAIT, SECOND, PIVOT)
    undo = plan.undo_call(saga_id, "second", round_number=1, reason="WHY")
    assert undo.undoes_request_id == plan.action_call(saga_id, "second", round_number=1).request_id
    assert undo.request_id != undo.undoes_request_id
    assert undo.reason == "WHY"
