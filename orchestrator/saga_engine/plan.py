"""How a saga is written down: a list of steps that reads top-down like a story.

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
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

from common.errors import ServiceError
from common.messaging.message import Message

__all__ = [
    "DEFAULT_STEP_TIMEOUT_SECONDS",
    "AnyPlan",
    "Call",
    "OutgoingMessage",
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

# How long a step is tried before the saga decides: two tries of a five-second call would not fit the request's budget
# of ten seconds, so a slow participant gets one long try and repeats of what fails fast.
DEFAULT_STEP_TIMEOUT_SECONDS: Final = 6.0


class SagaData(BaseModel):
    """What a saga knows. It grows step by step and is stored with each."""

    saga_id: uuid.UUID


Data = TypeVar("Data", bound=SagaData)


@dataclass(frozen=True, slots=True)
class Call:
    """The identity of one remote call: the same for every repetition of it.

    An undo also says which action it takes back, and why (the code of the error that made the saga unwind).
    """

    request_id: uuid.UUID
    undoes_request_id: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message for the outbox, and where it goes."""

    message: Message
    exchange: str
    routing_key: str


Action = Callable[[Data, Call], Awaitable[Data]]
Undo = Callable[[Data, Call], Awaitable[None]]
MakeMessage = Callable[[Data], OutgoingMessage]
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
    """One line of a plan. Only the fields of its kind are set; the functions below make sure of that."""

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
        """Whether the saga goes on behind this step after its action was done."""
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
    """A step that can be taken back.

    Args:
        lapses: its effect ends by itself, so as a first step it goes without an intent written before it.
        back_to_wait_on: refusals with these codes lead back to the wait before it, not to the end.
        step_timeout_seconds: how long an unanswered action is repeated before it is taken back; the plan's when omitted.
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
    """A message that leaves through the outbox in the write that stores the step before it."""
    return Step(name, StepKind.PUBLISH, message=message)


def wait(signal: str, *, deadline: Deadline[Data], expired: type[ServiceError]) -> Step[Data]:
    """Stop until the signal comes. After the deadline the saga unwinds with the error `expired`."""
    return Step(signal, StepKind.WAIT, deadline=deadline, expired=expired)


def pivot(name: str, action: Action[Data]) -> Step[Data]:
    """The point of no return: a refusal unwinds, success means that the saga will be finished. Repeated until known."""
    return Step(name, StepKind.PIVOT, action=action)


def must_finish(
    name: str,
    action: Action[Data],
    *,
    until: IsOver[Data] | None = None,
    step_timeout_seconds: float | None = None,
) -> Step[Data]:
    """A step after the pivot: repeated until it is done.

    Args:
        until: for work done bit by bit. The action does one bit and returns the data with its progress, which is
            stored each time, until this is true of it. All bits have one request id: the action tells them apart.
        step_timeout_seconds: how long one action may take; the plan's when omitted.
    """
    return Step(name, StepKind.MUST_FINISH, action=action, until=until, step_timeout_seconds=step_timeout_seconds)


class Plan(Generic[Data]):
    """A saga's steps, checked once when the process starts.

    Args:
        kind: the saga's name in the log, such as ``purchase``. Never change it while such sagas are alive.
        data: the model of what the saga knows.
        on_unwound: a message that leaves with the write that ends an unwound saga.
        step_timeout_seconds: how long an unanswered call is repeated before the saga decides.

    Raises:
        ValueError: the steps are in an order that makes no sense.
    """

    def __init__(
        self,
        kind: str,
        data: type[Data],
        *steps: Step[Data],
        on_unwound: Callable[[Data, str], OutgoingMessage] | None = None,
        step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
    ) -> None:
        self.kind = kind
        self.data = data
        self.steps: Sequence[Step[Data]] = steps
        self.on_unwound = on_unwound
        self.step_timeout_seconds = step_timeout_seconds
        self._check()

    def action_call(self, saga_id: uuid.UUID, index: int, *, round_number: int, retries: int = 0) -> Call:
        """Return the identity of a step's action. It depends on nothing but the arguments."""
        # Only what must finish is asked anew after a definite refusal: nothing else is ever retried by people.
        asked_anew = retries if self.steps[index].kind is StepKind.MUST_FINISH else 0
        return Call(self._request_id(saga_id, index, "action", round_number=round_number, retries=asked_anew))

    def undo_call(self, saga_id: uuid.UUID, index: int, *, round_number: int, retries: int = 0, reason: str) -> Call:
        """Return the identity of a step's undo."""
        request_id = self._request_id(saga_id, index, "undo", round_number=round_number, retries=retries)
        action = self.action_call(saga_id, index, round_number=round_number)
        return Call(request_id, undoes_request_id=action.request_id, reason=reason)

    def timeout_of(self, step: Step[Data]) -> float:
        """Return how many seconds an unanswered call of the step is repeated."""
        return self.step_timeout_seconds if step.step_timeout_seconds is None else step.step_timeout_seconds

    def index_of(self, name: str) -> int:
        return next(index for index, step in enumerate(self.steps) if step.name == name)

    def wait_before(self, index: int) -> int:
        """Return the index of the last wait before the step."""
        return max(i for i, step in enumerate(self.steps[:index]) if step.kind is StepKind.WAIT)

    def only_goes_forward(self, index: int) -> bool:
        """Whether the step is the pivot or stands after it."""
        return any(step.kind is StepKind.PIVOT for step in self.steps[: index + 1])

    def is_past_wait(self, index: int) -> bool:
        return any(step.kind is StepKind.WAIT for step in self.steps[:index])

    def previous_undoable(self, index: int) -> int:
        """Return the index of the nearest undoable step before `index`, or -1."""
        undoable_indexes = (i for i, step in enumerate(self.steps[:index]) if step.kind is StepKind.UNDOABLE)
        return max(undoable_indexes, default=-1)

    def _request_id(self, saga_id: uuid.UUID, index: int, phase: str, *, round_number: int, retries: int) -> uuid.UUID:
        name = f"{self.steps[index].name}/{phase}"
        # Only steps after the wait that a refusal led back to are done anew in the next round.
        if round_number and self.is_past_wait(index):
            name = f"{name}/{round_number}"
        if retries:
            name = f"{name}/retry {retries}"
        return uuid.uuid5(saga_id, name)

    def _check(self) -> None:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.kind}: two steps share a name")
        kinds = [step.kind for step in self.steps]
        if kinds.count(StepKind.PIVOT) != 1:
            raise ValueError(f"{self.kind}: a plan has exactly one pivot")
        before, after = kinds[: kinds.index(StepKind.PIVOT)], kinds[kinds.index(StepKind.PIVOT) + 1 :]
        if StepKind.MUST_FINISH in before or StepKind.UNDOABLE in after or StepKind.WAIT in after:
            raise ValueError(f"{self.kind}: undoable steps and waits stand before the pivot, must_finish after it")
        if kinds[0] not in {StepKind.UNDOABLE, StepKind.PIVOT}:
            raise ValueError(f"{self.kind}: a plan begins with something that is done")
        if any(step.lapses for step in self.steps[1:]):
            raise ValueError(f"{self.kind}: only the first step may lapse")


AnyPlan = Plan[Any]
