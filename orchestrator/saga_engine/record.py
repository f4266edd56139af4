"""One saga as the log stores it."""

import enum
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from common.errors import ServiceError, error_of_kind
from orchestrator.saga_engine.plan import SagaData, StepKind


class SagaState(enum.StrEnum):
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    UNWINDING = "UNWINDING"
    COMPLETED = "COMPLETED"
    UNWOUND = "UNWOUND"
    STUCK = "STUCK"

    @property
    def is_final(self) -> bool:
        return self in {SagaState.COMPLETED, SagaState.UNWOUND}


KINDS_IN_STATE: Final = {
    SagaState.RUNNING: {StepKind.UNDOABLE, StepKind.PIVOT, StepKind.MUST_FINISH},
    SagaState.WAITING: {StepKind.WAIT},
    SagaState.UNWINDING: {StepKind.UNDOABLE, StepKind.WAIT},
    SagaState.STUCK: set(StepKind),
}
"""What a step must be for a saga that stands at it."""


@dataclass(frozen=True, slots=True)
class SagaError:
    """Why a saga unwinds or is stuck, in a form that can be stored and raised again.

    `stuck_at` and `stuck_code` are the step that keeps failing and its last error. `was_refused` is of the previous
    release, which set it for refusals that no participant remembers, too: it decides nothing.
    """

    kind: str
    code: str
    public_message: str
    step: str
    details: dict[str, Any] | None = None
    stuck_at: str = ""
    stuck_code: str = ""
    was_refused: bool = False

    @classmethod
    def of(cls, error: ServiceError, *, step: str) -> "SagaError":
        return cls(error.kind, error.code, error.public_message, step, error.details)

    @classmethod
    def of_stuck(cls, cause: "SagaError | None", error: ServiceError, *, step: str) -> "SagaError":
        """Return what to store of a stuck saga. The cause of its unwinding is kept: its undos are called with it."""
        reason = cause or cls.of(error, step=step)
        return replace(reason, stuck_at=step, stuck_code=error.code, was_refused=False)

    def to_error(self) -> ServiceError:
        return error_of_kind(self.kind, code=self.code, public_message=self.public_message, details=self.details)


@dataclass(frozen=True, slots=True)
class SagaRecord:
    """One saga as it was last written.

    `step` names the step whose intent is stored: the action to do (RUNNING), the wait (WAITING) or the step to undo
    (UNWINDING); it is empty at the end. While WAITING, `error` is the last refusal that returned the saga to its wait.

    Four counters:

    - `epoch`: the owners so far; a write with an older epoch changes nothing.
    - `attempts`: the failed attempts at the present step; the pauses grow with it, and from its limit on the saga is
      STUCK. From the pivot on, an attempt whose participant was unavailable is no failure.
    - `round_number`: how often a refusal returned the saga to its wait; the steps after it get new request ids.
    - `retries`: how often a must_finish step, or an undo, was refused; the next try gets a new request id.
    """

    saga_id: uuid.UUID
    kind: str
    requested_by: uuid.UUID
    fingerprint: str
    state: SagaState
    step: str
    round_number: int
    data: SagaData
    error: SagaError | None
    correlation_id: str
    traceparent: str | None = None  # of the request that started the saga, if tracing is on
    epoch: int = 1
    attempts: int = 0
    retries: int = 0
    signal_key: str | None = None
    due_at: datetime | None = None
    is_paused: bool = False  # not stored: this process does not continue the saga now

    def with_changes(self, **changes: Any) -> "SagaRecord":
        return replace(self, **changes)
