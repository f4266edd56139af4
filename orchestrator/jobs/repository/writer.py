"""New jobs: stored once per idempotency key, with the message that wakes a worker."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database, Row
from common.db.idempotency import fingerprint_of
from common.errors import Unprocessable
from orchestrator.jobs.record import JobStatus, JobView, NewJob
from orchestrator.jobs.repository.fragments import COLUMNS, IS_NEXT_IN_LANE, job_view, wake_ups

# Only the first job of a lane gets a wake-up message at once; a job that leaves the lane sends the next job's.
_ENQUEUE: Final = text(
    f"""
    WITH keyed AS (
        INSERT INTO job_keys (kind, idempotency_key, job_id, fingerprint)
        VALUES (:kind, :idempotency_key, :job_id, :fingerprint)
        ON CONFLICT DO NOTHING
        RETURNING job_id),
    written AS (
        INSERT INTO jobs (job_id, kind, payload, idempotency_key, requested_by, priority, lane, status, max_attempts,
                          correlation_id, traceparent, queued_at, run_at, token_at)
        SELECT job_id, :kind, CAST(:payload AS jsonb), :idempotency_key, CAST(:requested_by AS uuid), :priority,
               CAST(:lane AS text), 'queued', :max_attempts, :correlation_id, :traceparent,
               greatest(CAST(:run_at AS timestamptz), clock_timestamp()),
               coalesce(CAST(:run_at AS timestamptz), now()),
               CASE WHEN CAST(:run_at AS timestamptz) > now() THEN CAST(:run_at AS timestamptz) END
        FROM keyed
        RETURNING *),
    ready AS (SELECT * FROM written AS j WHERE run_at <= now() AND {IS_NEXT_IN_LANE}),
    {wake_ups("token", of="ready")}
    SELECT {COLUMNS} FROM written
    """  # noqa: S608 - constants only
)

# The columns of a row of `given_jobs`.
GIVEN_JOB: Final = """
    job_id uuid, kind text, payload jsonb, idempotency_key text, fingerprint text, requested_by uuid, priority integer,
    max_attempts integer, correlation_id text, traceparent text
"""
_GIVEN: Final = (
    "job_id",
    "kind",
    "payload",
    "idempotency_key",
    "requested_by",
    "priority",
    "max_attempts",
    "correlation_id",
    "traceparent",
)

_FIND_BY_KEY: Final = text(
    f"""
    SELECT k.job_id AS known_as, k.fingerprint, k.outcome, k.created_at AS known_since, j.*
    FROM job_keys AS k LEFT JOIN (SELECT {COLUMNS} FROM jobs) AS j ON j.job_id = k.job_id
    WHERE k.kind = :kind AND k.idempotency_key = :idempotency_key
    """  # noqa: S608 - constants only
)


def many_jobs(*, of: str) -> str:
    """Return SQL that stores a job and its wake-up message for each row of `of`, as part of another statement."""
    return f"""
    keyed AS (
        INSERT INTO job_keys (kind, idempotency_key, job_id, fingerprint)
        SELECT kind, idempotency_key, job_id, fingerprint FROM {of}
        ON CONFLICT DO NOTHING
        RETURNING job_id),
    stored AS (
        INSERT INTO jobs (job_id, kind, payload, idempotency_key, requested_by, priority, status, max_attempts,
                          correlation_id, traceparent, queued_at, run_at)
        SELECT job_id, kind, payload, idempotency_key, requested_by, priority, 'queued', max_attempts, correlation_id,
               traceparent, clock_timestamp(), now()
        FROM {of} JOIN keyed USING (job_id)
        RETURNING job_id, kind, correlation_id),
    {wake_ups("token", of="stored")}
    """  # noqa: S608 - constants only


def given_jobs(jobs: Iterable[NewJob]) -> list[dict[str, Any]]:
    """Return rows for `many_jobs`, to be sent as JSON.

    Raises:
        ValueError: a job is delayed or in a lane, which only `enqueue_in` supports.
    """
    rows = []
    for job in jobs:
        if job.lane is not None or job.run_at is not None:
            raise ValueError(f"{job.kind} {job.idempotency_key} is delayed or in a lane")
        rows.append(_given(job))
    return rows


def _given(job: NewJob) -> dict[str, Any]:
    return {name: getattr(job, name) for name in _GIVEN} | {"fingerprint": fingerprint_of(job.payload)}


async def enqueue_in(connection: AsyncConnection, job: NewJob) -> bool:
    """Store a job in the caller's transaction; return False if its key was used before.

    Wake the outbox relay after the commit, so that the wake-up message leaves at once.
    """
    return (await connection.execute(_ENQUEUE, _parameters(job))).first() is not None


class JobWriter:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def enqueue(self, job: NewJob) -> tuple[JobView, bool]:
        """Store a job and return whether it is new; a repeated key returns the existing job.

        Raises:
            Unprocessable: the key was used with another payload.
        """
        row = await self._database.fetch_one(_ENQUEUE, _parameters(job))
        if row is not None:
            return job_view(row), True
        known = await self._database.fetch_one(_FIND_BY_KEY, {"kind": job.kind, "idempotency_key": job.idempotency_key})
        if known is None:  # its key was deleted at this very moment, so the job is new again
            return await self.enqueue(job)
        if known["fingerprint"] != fingerprint_of(job.payload):
            raise Unprocessable(kind=job.kind, key=job.idempotency_key)
        return _known(known, job), False


def _known(row: Row, job: NewJob) -> JobView:
    """Return the existing job or, if its row is deleted, what its key records."""
    if row["job_id"] is not None:
        return job_view(row)
    outcome = {
        "job_id": row["known_as"],
        "status": row["outcome"] or JobStatus.COMPLETED,
        "attempts": 0,
        "run_at": row["known_since"],
        "created_at": row["known_since"],
        "finished_at": datetime.now(UTC),
    }
    unknown = dict.fromkeys(("progress", "result", "failure", "error", "started_at"))
    return JobView.model_validate({**_given(job), "lane": job.lane, **unknown, **outcome})


def _parameters(job: NewJob) -> Mapping[str, Any]:
    return _given(job) | {"payload": orjson.dumps(job.payload).decode(), "lane": job.lane, "run_at": job.run_at}
