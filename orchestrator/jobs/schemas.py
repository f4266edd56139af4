"""Jobs as an admin sees them."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from orchestrator.jobs.record import Failure, JobError, JobPosition, JobStatus

__all__ = ["JobDetail", "JobSummary", "JobsAcknowledged", "JobsRetried"]


class JobSummary(BaseModel):
    """`attempts` counts the tries begun, `run_at` is when it may run next, `started_at` when its last try began.

    `failure` says what a failed one asks of people: `dead` ones wait for somebody, `refused` and `acknowledged` ones do not.
    """

    model_config = ConfigDict(from_attributes=True)

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


class JobDetail(JobSummary):
    """With what the job is about, what its handler said of it, and how far it is from its turn."""

    idempotency_key: str
    payload: dict[str, Any]
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    queue: JobPosition


class JobsRetried(BaseModel):
    """How many failed jobs were queued anew."""

    retried: int


class JobsAcknowledged(BaseModel):
    """How many dead jobs were let rest."""

    acknowledged: int
