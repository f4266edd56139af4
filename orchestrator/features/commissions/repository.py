"""The jobs that write the texts of orders."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from common.db.engine import Database
from orchestrator.features.commissions.models import KIND
from orchestrator.jobs.record import JobError, JobStatus

_FIND: Final = text(
    """
    SELECT job_id, payload ->> 'type' AS type, status, attempts, progress, created_at
    FROM jobs WHERE job_id = ANY(:job_ids)
    """
)

# The key of a job outlives its row, so a job that has no key is not stored yet.
_ENDED: Final = text(
    """
    SELECT k.job_id, j.error
    FROM job_keys AS k LEFT JOIN jobs AS j ON j.job_id = k.job_id
    WHERE k.job_id = ANY(:job_ids) AND (j.job_id IS NULL OR j.status NOT IN ('queued', 'running', 'retrying'))
    """
)

# Jobs that may start before this one, and those that run, count as before it.
_OUTLOOK: Final = text(
    f"""
    WITH mine AS (SELECT * FROM jobs WHERE job_id = :job_id AND status <> 'running'),
    durations AS (
        SELECT extract(epoch FROM finished_at - started_at) AS seconds FROM jobs
        WHERE kind = '{KIND}' AND status = 'completed' AND finished_at > now() - interval '24 hours')
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
        (SELECT count(*) FROM jobs WHERE kind = '{KIND}' AND status = 'running') AS running,
        (SELECT count(*) FROM jobs AS j, mine AS m
         WHERE j.kind = '{KIND}' AND j.job_id <> m.job_id
           AND (j.status = 'running' OR (j.status IN ('queued', 'retrying')
                AND (-j.priority, j.queued_at, j.number) < (-m.priority, m.queued_at, m.number)))) AS before
    FROM durations
    """  # noqa: S608 - constants only
)

# A job that an admin retries begins to wait again.
_OLDEST: Final = text(
    f"""
    SELECT extract(epoch FROM now() - min(queued_at)) AS seconds FROM jobs
    WHERE kind = '{KIND}' AND status IN ('queued', 'running', 'retrying')
    """  # noqa: S608 - constants only
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingJob:
    """A job of an order; `type` is commission or revision, `progress` what its handler last reported."""

    job_id: uuid.UUID
    type: str
    status: JobStatus
    attempts: int
    progress: dict[str, Any] | None
    created_at: datetime

    @property
    def is_active(self) -> bool:
        return self.status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How long texts took in the last 24 hours, in seconds, None if none was written; and how many are before a job's."""

    median: float | None
    p95: float | None
    running: int
    before: int


class WritingJobStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, WritingJob]:
        rows = await self._database.fetch_all(_FIND, {"job_ids": [*job_ids]})
        return {row["job_id"]: WritingJob(**dict(row) | {"status": JobStatus(row["status"])}) for row in rows}

    async def ended(self, job_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, JobError | None]:
        """Return those that no worker will run, because they have ended or were deleted, each with its error if known."""
        rows = await self._database.fetch_all(_ENDED, {"job_ids": [*job_ids]})
        return {row["job_id"]: JobError.model_validate(row["error"]) if row["error"] else None for row in rows}

    async def outlook(self, job_id: uuid.UUID) -> Outlook:
        [row] = await self._database.fetch_all(_OUTLOOK, {"job_id": job_id})
        return Outlook(**row)

    async def oldest_waiting_seconds(self) -> float:
        """Return for how long the oldest job has waited or run; 0 if there is none."""
        [row] = await self._database.fetch_all(_OLDEST)
        return float(row["seconds"] or 0)
