"""What is stored of a job, and how others see it."""

import enum
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.telemetry.tracing import current_traceparent

__all__ = ["Attempt", "Failure", "JobError", "JobPosition", "JobStatus", "JobView", "KindStats", "NewJob"]


class JobStatus(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Failure(enum.StrEnum):
    """What a failed job asks of people.

    A *dead* one, out of tries or broken, waits for somebody who retries or acknowledges it. A *refused* one ended as such
    jobs may end, such as a letter to somebody who is gone.
    """

    DEAD = "dead"
    REFUSED = "refused"
    ACKNOWLEDGED = "acknowledged"


class JobError(BaseModel):
    """Why the last try failed; `code` is stable, `message` is for people."""

    code: str
    message: str


class JobView(BaseModel):
    """One job as it was last written.

    `attempts` counts the tries that were begun, `max_attempts` how many there may be. `run_at` is when it may run next,
    `started_at` when its last try began. `progress` is whatever the handler last reported. `failure` is None unless it has
    failed.
    """

    model_config = ConfigDict(frozen=True)

    job_id: uuid.UUID
    kind: str
    status: JobStatus
    failure: Failure | None = None
    payload: dict[str, Any]
    idempotency_key: str
    requested_by: uuid.UUID | None
    priority: int
    lane: str | None
    attempts: int
    max_attempts: int
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    error: JobError | None
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be enqueued. `run_at` in the future delays it; jobs of one lane run one at a time, first in, first out."""

    kind: str
    payload: dict[str, Any]
    idempotency_key: str
    requested_by: uuid.UUID | None = None
    priority: int
    lane: str | None = None
    run_at: datetime | None = None
    max_attempts: int
    correlation_id: str
    traceparent: str | None = field(default_factory=current_traceparent)
    job_id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try in a worker's hands. Writes with its epoch count until another worker has taken the job over."""

    job_id: uuid.UUID
    kind: str
    payload: dict[str, Any]
    requested_by: uuid.UUID | None
    number: int
    max_attempts: int
    epoch: int
    correlation_id: str
    traceparent: str | None

    @property
    def is_last(self) -> bool:
        return self.number >= self.max_attempts


class JobPosition(BaseModel):
    """How far a waiting job is from its turn.

    `position` is 1 for the next one and 0 for a job that does not wait. `estimated_wait_seconds` goes by how long
    the last jobs of the kind took, and is None while none has finished yet.
    """

    position: int
    estimated_wait_seconds: float | None


class KindStats(BaseModel):
    """How one kind does. Counts of finished jobs, rates and durations (of the last try, in seconds) are of 24 hours."""

    kind: str
    queued: int
    running: int
    retrying: int
    failed_kept: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    average_seconds: float | None
    p95_seconds: float | None
    completed_per_minute: float
    oldest_waiting_seconds: float | None
