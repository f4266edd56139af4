"""One try of a job: claimed by a worker, kept by renewing its lease, and written down.

Every write says ``WHERE epoch = …``: a worker that was cut off or asleep changes nothing of a job that others have.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.db.engine import UNIQUE_VIOLATION, Database, Row, sqlstate_of
from common.messaging.message import Message
from orchestrator.jobs.errors import JobTakenOver
from orchestrator.jobs.record import Attempt, Failure, JobError, JobStatus
from orchestrator.jobs.repository.fragments import ANNOUNCE, IS_NEXT_IN_LANE, NEXT_IN_LANE, message_arrays, tokens

__all__ = ["Attempts"]

_ATTEMPT: Final = "jobs.job_id, kind, payload, requested_by, attempts, max_attempts, epoch, correlation_id, traceparent"

# The best ready job of a kind: by priority, then by age. Rows that other workers are at are passed over.
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

# A job whose lease ran out is taken over only to be written down: it goes back to the queue, or it has failed.
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

# A job that waits for another try stays in its lane: those behind it wait, so that their order is kept.
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
    {tokens("token", of="next_in_lane")},
    {ANNOUNCE}
    SELECT EXISTS (SELECT FROM token) AS has_token FROM written
    """  # noqa: S608 - constants only
)


class Attempts:
    """What workers write.

    Args:
        lease_seconds: a worker that was silent for so long has lost what it had in hand.
    """

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self.lease_seconds = lease_seconds

    async def claim(self, kind: str) -> Attempt | None:
        """Begin a try of the best ready job of that kind; None when there is none."""
        parameters = {"kind": kind, "lease_seconds": self.lease_seconds}
        while True:
            try:
                row = await self._database.fetch_one(_CLAIM, parameters)
            except IntegrityError as error:
                if sqlstate_of(error) != UNIQUE_VIOLATION:
                    raise
                continue  # somebody began another job of the lane at the same moment; by now that can be seen
            return _attempt(row) if row else None

    async def take_over_lost(self, *, batch: int) -> list[Attempt]:
        """Take over the tries whose worker fell silent, to write down what becomes of them."""
        parameters = {"batch": batch, "lease_seconds": self.lease_seconds}
        return [_attempt(row) for row in await self._database.fetch_all(_TAKE_OVER_LOST, parameters)]

    async def renew(self, attempts: Sequence[Attempt]) -> set[tuple[uuid.UUID, int]]:
        """Renew the leases and return job and epoch of the tries that are still ours."""
        parameters = {
            "job_ids": [attempt.job_id for attempt in attempts],
            "epochs": [attempt.epoch for attempt in attempts],
            "lease_seconds": self.lease_seconds,
        }
        return {(row["job_id"], row["epoch"]) for row in await self._database.fetch_all(_RENEW, parameters)}

    async def report(self, attempt: Attempt, progress: Mapping[str, Any]) -> None:
        """Show how far a try is.

        Raises:
            JobTakenOver: it belongs to another worker by now.
        """
        parameters = {"job_id": attempt.job_id, "epoch": attempt.epoch, "progress": _json(progress)}
        if not await self._database.execute(_REPORT, parameters):
            raise JobTakenOver(job_id=attempt.job_id, epoch=attempt.epoch)

    async def complete(
        self, attempt: Attempt, result: Mapping[str, Any] | None, messages: Sequence[tuple[Message, str, str]]
    ) -> bool:
        """Write it down; return whether that left messages in the outbox."""
        return await self._write(attempt, JobStatus.COMPLETED, messages, result=result)

    async def fail(
        self, attempt: Attempt, failure: Failure, error: JobError, messages: Sequence[tuple[Message, str, str]]
    ) -> None:
        await self._write(attempt, JobStatus.FAILED, messages, failure=failure, error=error)

    async def try_again(
        self,
        attempt: Attempt,
        error: JobError | None,
        messages: Sequence[tuple[Message, str, str]] = (),
        *,
        pause_seconds: float,
        is_unused: bool = False,
    ) -> None:
        """Give the job back for another try.

        Args:
            messages: the token that waits on the broker; without one the scheduler sends it when the pause is over.
            is_unused: the try does not count, as it was ended for a reason of ours.
        """
        await self._write(
            attempt, JobStatus.RETRYING, messages, error=error, pause_seconds=pause_seconds, unused=int(is_unused)
        )

    async def _write(
        self,
        attempt: Attempt,
        status: JobStatus,
        messages: Sequence[tuple[Message, str, str]],
        *,
        result: Mapping[str, Any] | None = None,
        failure: Failure | None = None,
        error: JobError | None = None,
        pause_seconds: float = 0.0,
        unused: int = 0,
    ) -> bool:
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
            "unused": unused,
        }
        written = await self._database.fetch_one(_WRITE, parameters | message_arrays(messages))
        if written is None:
            raise JobTakenOver(job_id=attempt.job_id, epoch=attempt.epoch)
        return bool(messages) or bool(written["has_token"])


def _attempt(row: Row) -> Attempt:
    return Attempt(
        job_id=row["job_id"],
        kind=row["kind"],
        payload=row["payload"],
        requested_by=row["requested_by"],
        number=row["attempts"],
        max_attempts=row["max_attempts"],
        epoch=row["epoch"],
        correlation_id=row["correlation_id"],
        traceparent=row["traceparent"],
    )


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, default=str).decode()
