"""Stored jobs and their views."""

import enum
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.telemetry.tracing import current_traceparent


class JobStatus(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Failure(enum.StrEnum):
    """Whether a failed job needs an admin.

    A *dead* job, out of attempts or broken, waits until an admin retries or acknowledges it. A *refused* job failed as
    expected, such as an email to a deleted user.
    """

    DEAD = "dead"
    REFUSED = "refused"
    ACKNOWLEDGED = "acknowledged"


class JobError(BaseModel):
    """Why the last attempt failed; `code` is stable, `message` is for admins."""

    code: str
    message: str


class JobSummary(BaseModel):
    """`attempts` counts the attempts so far, `run_at` is when the job may run next, `started_at` when the last one began.

    `failure` says whether a failed job needs an admin: a `dead` one does, a `refused` or `acknowledged` one does not.
    """

    model_config = ConfigDict(frozen=True)

    job_id: uuid.UUID
    kind: str
    status: JobStatus
    failure: Failure | None
    requested_by: uuid.UUID | None
    priority: int
    lane: str | None
    attempts: int
    max_attempts: int
    error: JobError | None
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobView(JobSummary):
    """A stored job. `progress` is what the handler last reported."""

    idempotency_key: str
    payload: dict[str, Any]
    progress: dict[str, Any] | None
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be enqueued. A `run_at` in the future delays it; jobs of one lane run one at a time, in order."""

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
    """A worker's attempt to run a job. Its epoch makes its writes void once another worker has taken the job over."""

    job_id: uuid.UUID
    kind: str
    lane: str | None = None
    payload: dict[str, Any]
    requested_by: uuid.UUID | None
    number: int
    max_attempts: int
    epoch: int
    correlation_id: str
    traceparent: str | None
    begun_at: float = field(default_factory=time.monotonic)

    @property
    def is_last(self) -> bool:
        return self.number >= self.max_attempts


class JobPosition(BaseModel):
    """A waiting job's position in its queue.

    `position` is 1 for the next job and 0 for a job that does not wait. `estimated_wait_seconds` is derived from the
    durations of the kind's latest jobs; it is None until the first one has finished.
    """

    position: int
    estimated_wait_seconds: float | None


class KindStats(BaseModel):
    """One kind's counts. Finished jobs, rates and durations (of the last attempt, in seconds) cover the last 24 hours."""

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
