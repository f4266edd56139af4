"""A saga's plan: a list of steps that reads top-down.

::

    Plan(
        "purchase",
        Purchase,
        undoable("hold seats", hold_seats, release_seats, lapses=True),
        publish("announce hold", hold_message),
        wait("pay", deadline=hold_end, expired=HoldExpired),
        undoable("charge wallet", charge_wallet, refund_wallet, back_to_wait_on={"INSUFFICIENT_CREDITS"}),
        pivot("sell seats", sell_seats),
        must_finish("confirm order", confirm_order),
    )
"""

import enum
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Generic, Self, TypeVar

from pydantic import BaseModel

from common.errors import ServiceError
from common.messaging.outbox import OutgoingMessage

__all__ = [
    "DEFAULT_STEP_TIMEOUT_SECONDS",
    "AnyPlan",
    "Call",
    "Plan",
    "SagaData",
    "Step",
    "StepKind",
    "must_finish",
    "pivot",
    "publish",
    "undoable",
    "wait",
]

# Two tries of a five-second call do not fit the request's budget of ten seconds: a slow participant gets one long try,
# and calls that fail fast are repeated.
DEFAULT_STEP_TIMEOUT_SECONDS: Final = 6.0


class SagaData(BaseModel):
    """The data of a saga. Steps add to it, and each write stores it."""

    saga_id: uuid.UUID


Data = TypeVar("Data", bound=SagaData)


@dataclass(frozen=True, slots=True)
class Call:
    """The identity of one remote call. Every repetition of the call has the same identity.

    An undo also names the action that it reverts and the code of the error that made the saga unwind.
    """

    request_id: uuid.UUID
    undoes_request_id: uuid.UUID | None = None
    reason: str = ""


Action = Callable[[Data, Call], Awaitable[Data]]
Undo = Callable[[Data, Call], Awaitable[None]]
MakeMessage = Callable[[Data], OutgoingMessage | None]
Deadline = Callable[[Data], datetime]
IsOver = Callable[[Data], bool]


class StepKind(enum.Enum):
    UNDOABLE = "undoable"
    PUBLISH = "publish"
    WAIT = "wait"
    PIVOT = "pivot"
    MUST_FINISH = "must finish"


@dataclass(frozen=True, slots=True)
class Step(Generic[Data]):
    """One step of a plan. The functions below set only the fields that its kind has."""

    name: str
    kind: StepKind
    action: Action[Data] | None = None
    undo: Undo[Data] | None = None
    lapses: bool = False
    back_to_wait_on: frozenset[str] = frozenset()
    step_timeout_seconds: float | None = None
    message: MakeMessage[Data] | None = None
    deadline: Deadline[Data] | None = None
    expired: type[ServiceError] | None = None
    until: IsOver[Data] | None = None

    def is_over(self, data: Data) -> bool:
        """Return whether the step is complete after an action returned this data."""
        return self.until is None or self.until(data)


def undoable(
    name: str,
    action: Action[Data],
    undo: Undo[Data],
    *,
    lapses: bool = False,
    back_to_wait_on: Collection[str] = (),
    step_timeout_seconds: float | None = None,
) -> Step[Data]:
    """Return a step that can be undone.

    Args:
        lapses: the effect ends by itself, so a first step needs no intent written before it.
        back_to_wait_on: refusals with these codes return the saga to the preceding wait instead of unwinding it.
        step_timeout_seconds: how long an unanswered action is repeated before it is undone; defaults to the plan's.
    """
    return Step(
        name,
        StepKind.UNDOABLE,
        action=action,
        undo=undo,
        lapses=lapses,
        back_to_wait_on=frozenset(back_to_wait_on),
        step_timeout_seconds=step_timeout_seconds,
    )


def publish(name: str, message: MakeMessage[Data]) -> Step[Data]:
    """Return a step that sends a message, or none, through the outbox, in the write that stores the preceding step."""
    return Step(name, StepKind.PUBLISH, message=message)


def wait(signal: str, *, deadline: Deadline[Data], expired: type[ServiceError]) -> Step[Data]:
    """Return a step that waits for the signal. After the deadline the saga unwinds with the error `expired`."""
    return Step(signal, StepKind.WAIT, deadline=deadline, expired=expired)


def pivot(name: str, action: Action[Data]) -> Step[Data]:
    """Return the step after which the saga only goes forward. A refusal unwinds; an unknown outcome is repeated."""
    return Step(name, StepKind.PIVOT, action=action)


def must_finish(
    name: str,
    action: Action[Data],
    *,
    until: IsOver[Data] | None = None,
    step_timeout_seconds: float | None = None,
) -> Step[Data]:
    """Return a step after the pivot. It is repeated until it is done.

    Args:
        until: for work done in batches. Each action does one batch and returns the data with its progress, which is
            stored, until this returns true. All batches share one request id: the action tells them apart.
        step_timeout_seconds: how long one action may take; defaults to the plan's.
    """
    return Step(name, StepKind.MUST_FINISH, action=action, until=until, step_timeout_seconds=step_timeout_seconds)


class Plan(Generic[Data]):
    """A saga's steps. Their order is checked when the process starts.

    The log stores the kind and the names of steps: docs/adr/0016-saga-steps-are-stored-by-name.md says what of a plan may
    change while its sagas live.

    Args:
        kind: the saga's name in the log, such as ``purchase``.
        data: the model of the saga's data.
        on_unwound: returns a message that leaves with the write that ends an unwound saga, or None.
        step_timeout_seconds: how long an unanswered call is repeated before the saga decides.

    Raises:
        ValueError: the order of the steps is invalid.
    """

    def __init__(
        self,
        kind: str,
        data: type[Data],
        *steps: Step[Data],
        on_unwound: Callable[[Data, str], OutgoingMessage | None] | None = None,
        step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
    ) -> None:
        self.kind = kind
        self.data = data
        self.steps: Sequence[Step[Data]] = steps
        self.on_unwound = on_unwound
        self.step_timeout_seconds = step_timeout_seconds
        self._indexes = {step.name: index for index, step in enumerate(steps)}
        self._check()

    def with_step_timeout(self, seconds: float) -> Self:
        """Return the plan with another step timeout."""
        return type(self)(self.kind, self.data, *self.steps, on_unwound=self.on_unwound, step_timeout_seconds=seconds)

    def __contains__(self, step: str) -> bool:
        return step in self._indexes

    def step(self, name: str) -> Step[Data]:
        return self.steps[self._indexes[name]]

    def index_of(self, name: str) -> int:
        return self._indexes[name]

    def action_call(self, saga_id: uuid.UUID, step: str, *, round_number: int, retries: int = 0) -> Call:
        """Return the identity of a step's action. It depends only on the arguments."""
        # After a remembered refusal, only a must_finish step gets a new request id.
        retries = retries if self.step(step).kind is StepKind.MUST_FINISH else 0
        return Call(self._request_id(saga_id, step, "action", round_number=round_number, retries=retries))

    def undo_call(self, saga_id: uuid.UUID, step: str, *, round_number: int, retries: int = 0, reason: str) -> Call:
        """Return the identity of a step's undo."""
        request_id = self._request_id(saga_id, step, "undo", round_number=round_number, retries=retries)
        action = self.action_call(saga_id, step, round_number=round_number)
        return Call(request_id, undoes_request_id=action.request_id, reason=reason)

    def timeout_of(self, step: Step[Data]) -> float:
        """Return how many seconds an unanswered call of the step is repeated."""
        return self.step_timeout_seconds if step.step_timeout_seconds is None else step.step_timeout_seconds

    def step_after(self, name: str) -> Step[Data]:
        return self.steps[self._indexes[name] + 1]

    def wait_before(self, step: str) -> int:
        """Return the index of the last wait before the step."""
        return max(i for i, earlier in enumerate(self._before(step)) if earlier.kind is StepKind.WAIT)

    def only_goes_forward(self, step: str) -> bool:
        """Return whether the step is the pivot or comes after it."""
        return any(earlier.kind is StepKind.PIVOT for earlier in (*self._before(step), self.step(step)))

    def is_past_wait(self, step: str) -> bool:
        return any(earlier.kind is StepKind.WAIT for earlier in self._before(step))

    def undoable_before(self, index: int) -> Step[Data] | None:
        """Return the nearest undoable step before `index`."""
        return next((step for step in reversed(self.steps[:index]) if step.kind is StepKind.UNDOABLE), None)

    def _before(self, step: str) -> Sequence[Step[Data]]:
        return self.steps[: self._indexes[step]]

    def _request_id(self, saga_id: uuid.UUID, step: str, phase: str, *, round_number: int, retries: int) -> uuid.UUID:
        name = f"{step}/{phase}"
        # A refusal returned the saga to its wait. Only the steps after that wait run again.
        if round_number and self.is_past_wait(step):
            name = f"{name}/{round_number}"
        if retries:
            name = f"{name}/retry {retries}"
        return uuid.uuid5(saga_id, name)

    def _check(self) -> None:
        if len(self._indexes) != len(self.steps):
            raise ValueError(f"{self.kind}: two steps share a name")
        if "" in self:
            raise ValueError(f"{self.kind}: a step has no name")
        kinds = [step.kind for step in self.steps]
        if kinds.count(StepKind.PIVOT) != 1:
            raise ValueError(f"{self.kind}: a plan has exactly one pivot")
        before, after = kinds[: kinds.index(StepKind.PIVOT)], kinds[kinds.index(StepKind.PIVOT) + 1 :]
        if StepKind.MUST_FINISH in before or StepKind.UNDOABLE in after or StepKind.WAIT in after:
            raise ValueError(f"{self.kind}: undoable steps and waits stand before the pivot, must_finish after it")
        if kinds[0] not in {StepKind.UNDOABLE, StepKind.PIVOT}:
            raise ValueError(f"{self.kind}: a plan begins with an action")
        # A signal stores the intent of the next step, without messages.
        if any(
            kind is StepKind.WAIT and following in {StepKind.WAIT, StepKind.PUBLISH}
            for kind, following in pairwise(kinds)
        ):
            raise ValueError(f"{self.kind}: the step after a wait is an action")
        if any(step.lapses for step in self.steps[1:]):
            raise ValueError(f"{self.kind}: only the first step may lapse")


AnyPlan = Plan[Any]
