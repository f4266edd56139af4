"""The contract's cases: every matching step of every saga, every fault, every moment of a crash."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from common.errors import PaymentRequired, PreconditionRequired
from orchestrator.errors import OrderInvalidState
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.plan import Step, StepKind
from tests.contracts.faults import Fault, Faults, refused
from tests.contracts.scenarios import OUTLINES, SHARED

# More failures than one visit to a step with limited retries takes; then the call succeeds.
SEVERAL_TIMES: Final = 5
ACTION_MOMENTS: Final = (StepMoment.BEFORE_ACTION, StepMoment.AFTER_ACTION, StepMoment.AFTER_WRITE)
UNDO_MOMENTS: Final = (StepMoment.BEFORE_UNDO, StepMoment.AFTER_UNDO, StepMoment.AFTER_WRITE)


def each_step(wanted: Callable[[Step[Any]], object]) -> pytest.MarkDecorator:
    """Make a case of each matching step of each saga."""
    cases = [
        pytest.param(kind, step.name, id=f"{kind}: {step.name}")
        for kind, plan in OUTLINES.items()
        for step in plan.steps
        if wanted(step) and (kind, step.name) not in SHARED
    ]
    return pytest.mark.parametrize(("kind", "step"), cases)


def faults(**makers: Callable[[], Fault]) -> pytest.MarkDecorator:
    """Make a case of each fault."""
    return pytest.mark.parametrize("fault", makers.values(), ids=makers)


def moments(wanted: Sequence[StepMoment]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("moment", wanted, ids=str)


def each_refusal_back_to_wait() -> pytest.MarkDecorator:
    """Make a case of each refusal that leads back to a wait."""
    refusals = {error.code: error for error in (PaymentRequired(), PreconditionRequired(), OrderInvalidState())}
    cases = [
        pytest.param(kind, step.name, refusals[code], id=f"{kind}: {step.name}: {code}")
        for kind, plan in OUTLINES.items()
        for step in plan.steps
        for code in sorted(step.back_to_wait_on)
    ]
    return pytest.mark.parametrize(("kind", "step", "refusal"), cases)


def acts(step: Step[Any]) -> bool:
    return step.action is not None


def can_be_undone(step: Step[Any]) -> bool:
    return step.kind is StepKind.UNDOABLE


def can_be_undone_after_its_intent(step: Step[Any]) -> bool:
    return step.kind is StepKind.UNDOABLE and not step.lapses


def must_be_done(step: Step[Any]) -> bool:
    return step.kind is StepKind.MUST_FINISH


def unwinding(kind: str) -> Faults:
    """Refuse the saga's pivot, so that the engine undoes all steps before it."""
    [pivot] = [step.name for step in OUTLINES[kind].steps if step.kind is StepKind.PIVOT]
    return Faults().inject(pivot, "action", refused)
