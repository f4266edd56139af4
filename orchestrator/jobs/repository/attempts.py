"""Attempts: claimed by a worker, kept by renewing the lease, and recorded.

Every write has ``WHERE epoch = …``: a worker that was disconnected or suspended cannot change a job that another worker
has taken over.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.db.engine import UNIQUE_VIOLATION, Database, Row, sqlstate_of
from common.messaging.outbox import ANNOUNCE, OutgoingMessage, message_arrays
from orchestrator.jobs.errors import JobTakenOver
from orchestrator.jobs.record import Attempt, Failure, JobError, JobStatus
from orchestrator.jobs.repository.fragments import IS_NEXT_IN_LANE, NEXT_IN_LANE, wake_ups

_ATTEMPT: Final = (
    "jobs.job_id, kind, lane, payload, requested_by, attempts, max_attempts, epoch, correlation_id, traceparent"
)

# The best ready job of a kind: by priority, then by age. Rows that other workers have locked are skipped.
_CLAIM: Final = text(
    f"""
    WITH best AS (
        SELECT job_id FROM jobs AS j
        WHERE kind = :kind AND status IN ('queued', 'retrying') AND run_at <= now() AND {IS_NEXT_IN_LANE}
        ORDER BY priority DESC, queued_at, number LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE jobs SET status = 'running', attempts = attempts + 1, epoch = epoch + 1, started_at = clock_timestamp(),
        token_at = NULL, lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
    FROM best WHERE jobs.job_id = best.job_id
    RETURNING {_ATTEMPT}
    """  # noqa: S608 - constants only
)

# A job whose lease has expired is taken over to be recorded: it is queued again, or it has failed.
_TAKE_OVER_LOST: Final = text(
    f"""
    UPDATE jobs SET epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE job_id IN (
        SELECT job_id FROM jobs WHERE lease_until < now() ORDER BY lease_until LIMIT :batch FOR UPDATE SKIP LOCKED)
    RETURNING {_ATTEMPT}
    """  # noqa: S608 - constants only
)

_RENEW: Final = text(
    """
    UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
    FROM unnest(CAST(:job_ids AS uuid[]), CAST(:epochs AS integer[])) AS mine (job_id, epoch)
    WHERE jobs.job_id = mine.job_id AND jobs.epoch = mine.epoch AND jobs.status = 'running'
    RETURNING jobs.job_id, jobs.epoch
    """
)

_REPORT: Final = text(
    """
    UPDATE jobs SET progress = CAST(:progress AS jsonb) WHERE job_id = :job_id AND epoch = :epoch AND status = 'running'
    """
)

# A job that waits for a retry stays in its lane: later jobs of the lane wait, so that their order is kept.
_WRITE: Final = text(
    f"""
    WITH written AS (
        UPDATE jobs SET
            status = CAST(:status AS text), failure = CAST(:failure AS text), attempts = attempts - :unused,
            lease_until = NULL, result = CAST(:result AS jsonb), error = CAST(:error AS jsonb),
            finished_at = CASE WHEN :is_over THEN clock_timestamp() END,
            run_at = CASE WHEN :is_over THEN run_at ELSE clock_timestamp() + make_interval(secs => :pause_seconds) END,
            token_at = CASE WHEN :by_scheduler THEN clock_timestamp() + make_interval(secs => :pause_seconds) END
        WHERE job_id = :job_id AND epoch = :epoch AND status = 'running'
        RETURNING job_id, kind, lane, CAST(:is_over AS boolean) AS leaves_lane),
    {NEXT_IN_LANE},
    {wake_ups("token", of="next_in_lane")},
    {ANNOUNCE}
    SELECT EXISTS (SELECT FROM token) AS has_token FROM written
    """  # noqa: S608 - constants only
)


class JobAttempts:
    """Writes of workers. A worker that does not renew its leases for `lease_seconds` loses its jobs."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self.lease_seconds = lease_seconds

    async def claim(self, kind: str) -> Attempt | None:
        """Begin an attempt of the best ready job of a kind; return None if no job is ready."""
        parameters = {"kind": kind, "lease_seconds": self.lease_seconds}
        while True:
            try:
                row = await self._database.fetch_one(_CLAIM, parameters)
            except IntegrityError as error:
                if sqlstate_of(error) != UNIQUE_VIOLATION:
                    raise
                continue  # another worker began a job of the same lane at the same moment, which is visible now
            return _attempt(row) if row else None

    async def take_over_lost(self, *, batch: int) -> list[Attempt]:
        """Take over attempts whose lease has expired, to record their outcome."""
        parameters = {"batch": batch, "lease_seconds": self.lease_seconds}
        return [_attempt(row) for row in await self._database.fetch_all(_TAKE_OVER_LOST, parameters)]

    async def renew(self, attempts: Sequence[Attempt]) -> set[tuple[uuid.UUID, int]]:
        """Renew the leases and return job id and epoch of the attempts that this worker still owns."""
        parameters = {
            "job_ids": [attempt.job_id for attempt in attempts],
            "epochs": [attempt.epoch for attempt in attempts],
            "lease_seconds": self.lease_seconds,
        }
        return {(row["job_id"], row["epoch"]) for row in await self._database.fetch_all(_RENEW, parameters)}

    async def report(self, attempt: Attempt, progress: Mapping[str, Any]) -> None:
        """Store an attempt's progress, or raise JobTakenOver if the job belongs to another worker."""
        parameters = {"job_id": attempt.job_id, "epoch": attempt.epoch, "progress": _json(progress)}
        if not await self._database.execute(_REPORT, parameters):
            raise JobTakenOver(job_id=attempt.job_id, epoch=attempt.epoch)

    async def end(
        self,
        attempt: Attempt,
        status: JobStatus,
        messages: Sequence[OutgoingMessage] = (),
        *,
        result: Mapping[str, Any] | None = None,
        failure: Failure | None = None,
        error: JobError | None = None,
        pause_seconds: float = 0.0,
        is_unused: bool = False,
    ) -> bool:
        """Record an attempt's outcome; return whether that left messages in the outbox.

        Args:
            status: of the job. RETRYING queues it again after the pause.
            messages: of a RETRYING job, the delayed wake-up message; without one, the scheduler sends it after the pause.
            is_unused: the attempt does not count, because the worker ended it.

        Raises:
            JobTakenOver: the job belongs to another worker.
        """
        parameters = {
            "job_id": attempt.job_id,
            "epoch": attempt.epoch,
            "status": status.value,
            "failure": failure and failure.value,
            "is_over": status is not JobStatus.RETRYING,
            "result": None if result is None else _json(result),
            "error": error and error.model_dump_json(),
            "pause_seconds": pause_seconds,
            "by_scheduler": status is JobStatus.RETRYING and not messages,
            "unused": int(is_unused),
        }
        written = await self._database.fetch_one(_WRITE, parameters | message_arrays(messages))
        if written is None:
            raise JobTakenOver(job_id=attempt.job_id, epoch=attempt.epoch)
        return bool(messages) or bool(written["has_token"])


def _attempt(row: Row) -> Attempt:
    columns = dict(row)
    return Attempt(number=columns.pop("attempts"), **columns)


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, default=str).decode()
