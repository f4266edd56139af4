"""What the saga log holds of one saga."""

import enum
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from common.errors import ServiceError, error_of_kind
from orchestrator.saga_engine.plan import SagaData

__all__ = ["SagaError", "SagaRecord", "SagaState"]


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


@dataclass(frozen=True, slots=True)
class SagaError:
    """Why a saga unwinds or is stuck, in a form that can be stored and raised again.

    The last three say what a stuck saga met with, for people: where, with which code, and whether that was a definite
    refusal.
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

    def to_error(self) -> ServiceError:
        return error_of_kind(self.kind, code=self.code, public_message=self.public_message, details=self.details)


@dataclass(frozen=True, slots=True)
class SagaRecord:
    """One saga as it was last written.

    `step` is the index of the step whose intent is stored: to be done (RUNNING), to be waited at (WAITING) or to be
    taken back (UNWINDING). `epoch` counts the owners; a write with an older epoch changes nothing. `round_number`
    counts how often a refusal led back to the wait, `retries` how often people retried a refused step; while WAITING, `error` is the last such refusal.
    """

    saga_id: uuid.UUID
    kind: str
    requested_by: uuid.UUID
    fingerprint: str
    state: SagaState
    step: int
    round_number: int
    data: SagaData
    error: SagaError | None
    correlation_id: str
    traceparent: str | None = None  # of the request that started it, when traces are made
    epoch: int = 1
    attempts: int = 0
    retries: int = 0
    signal_key: str | None = None
    due_at: datetime | None = None
    is_paused: bool = False  # not stored: this process has let go of it for now

    def moved(self, **changes: Any) -> "SagaRecord":
        return replace(self, **changes)
