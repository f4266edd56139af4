"""The scheduler's work on jobs that no worker runs, and the deletion of old records."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import DELETED_ROWS, RUN_SECONDS, Retention
from common.periodic import repeat_while_full
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.record import JobStatus
from orchestrator.jobs.repository.fragments import IS_NEXT_IN_LANE, wake_ups

__all__ = ["JOB_RETENTIONS", "JobMaintenance"]

JOB_RETENTIONS: Final = (
    # How long a repeated request is recognised, and its outcome can be looked up.
    Retention(table="job_keys", aged_by="created_at", keep_days=30, condition="outcome IS NOT NULL"),
    Retention(table="job_tallies", aged_by="hour", keep_days=30),
)
# Few enough jobs that one deletion holds no lock for long.
DELETE_BATCH: Final = 1_000

_SEND_DUE_WAKE_UPS: Final = text(
    f"""
    WITH due AS (
        UPDATE jobs SET token_at = NULL
        WHERE job_id IN (
            SELECT job_id FROM jobs WHERE token_at <= now() ORDER BY token_at LIMIT :batch FOR UPDATE SKIP LOCKED)
        RETURNING kind, job_id, correlation_id),
    {wake_ups("token", of="due")}
    SELECT count(*) AS sent FROM due
    """  # noqa: S608 - constants only
)

_RESEND_WAKE_UPS: Final = text(
    f"""
    WITH ready AS (
        SELECT kind, job_id, correlation_id FROM jobs AS j
        WHERE kind = :kind AND status IN ('queued', 'retrying') AND run_at <= now() AND {IS_NEXT_IN_LANE}
          AND run_at < now() - make_interval(secs => :grace_seconds)
        ORDER BY priority DESC, queued_at, number LIMIT :batch),
    {wake_ups("token", of="ready")}
    SELECT count(*) AS sent FROM ready
    """  # noqa: S608 - constants only
)

_COUNT: Final = text("SELECT kind, status, count(*) AS jobs FROM jobs GROUP BY kind, status")
_COUNT_DEAD: Final = text(
    "SELECT kind, count(*) AS jobs FROM jobs WHERE status = 'failed' AND failure = 'dead' GROUP BY kind"
)
_OLDEST: Final = text(
    """
    SELECT kind, extract(epoch FROM now() - min(run_at)) AS seconds FROM jobs
    WHERE status IN ('queued', 'retrying') AND run_at <= now() GROUP BY kind
    """
)

# Deleted jobs are added to the tallies, so that the statistics do not depend on how many are kept. A batch reads the
# jobs that are kept and those that it deletes, however many others there are.
_DELETE_OLD_JOBS: Final = text(
    """
    WITH first_beyond AS MATERIALIZED (
        SELECT finished_at, number FROM jobs
        WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL
          AND NOT (:keeps_dead AND failure IS NOT DISTINCT FROM 'dead')
        ORDER BY finished_at DESC, number DESC OFFSET :keep LIMIT 1),
    old AS MATERIALIZED (
        SELECT job_id FROM jobs
        WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL
          AND NOT (:keeps_dead AND failure IS NOT DISTINCT FROM 'dead')
          AND (finished_at < now() - make_interval(secs => :keep_seconds)
               OR (finished_at, number) <= (SELECT finished_at, number FROM first_beyond))
        ORDER BY finished_at LIMIT :batch FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM old)
        RETURNING job_id, kind, status, started_at, finished_at),
    remembered AS (
        UPDATE job_keys AS k SET outcome = g.status FROM gone AS g WHERE k.job_id = g.job_id),
    added AS (
        INSERT INTO job_tallies (kind, hour, status, jobs, seconds)
        SELECT kind, date_trunc('hour', finished_at, 'UTC'), status, count(*),
               coalesce(sum(extract(epoch FROM finished_at - started_at)), 0)
        FROM gone GROUP BY 1, 2, 3
        ON CONFLICT (kind, hour, status)
        DO UPDATE SET jobs = job_tallies.jobs + excluded.jobs, seconds = job_tallies.seconds + excluded.seconds)
    SELECT count(*) AS gone FROM gone
    """
)


class JobMaintenance:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def send_due_wake_ups(self, *, batch: int) -> int:
        """Send the wake-up messages of delayed jobs that are due; return how many."""
        row = await self._database.fetch_one(_SEND_DUE_WAKE_UPS, {"batch": batch})
        return int(row["sent"]) if row else 0

    async def resend_wake_ups(self, kind: str, *, grace_seconds: float, batch: int) -> int:
        """Send another wake-up message for jobs that have been ready for `grace_seconds`; return how many."""
        parameters = {"kind": kind, "grace_seconds": grace_seconds, "batch": batch}
        row = await self._database.fetch_one(_RESEND_WAKE_UPS, parameters)
        return int(row["sent"]) if row else 0

    async def count(self) -> dict[tuple[str, JobStatus], int]:
        """Return the number of jobs, by kind and status."""
        rows = await self._database.fetch_all(_COUNT)
        return {(row["kind"], JobStatus(row["status"])): row["jobs"] for row in rows}

    async def count_dead(self) -> dict[str, int]:
        """Return the number of dead jobs by kind; kinds without one are omitted."""
        return {row["kind"]: row["jobs"] for row in await self._database.fetch_all(_COUNT_DEAD)}

    async def oldest_waiting(self) -> dict[str, float]:
        """Return for how many seconds the longest waiting job of a kind has been ready; kinds without one are omitted."""
        return {row["kind"]: float(row["seconds"]) for row in await self._database.fetch_all(_OLDEST)}

    async def delete_old_jobs(self, policy: JobPolicy) -> None:
        """Delete finished jobs beyond what the policy keeps, within a time limit.

        Each status is counted separately, so cancelled jobs do not displace completed ones.
        """
        completed = policy.keep_completed, policy.keep_completed_seconds
        failed = policy.keep_failed, policy.keep_failed_seconds
        for status, (keep, keep_seconds) in (
            (JobStatus.COMPLETED, completed),
            (JobStatus.CANCELLED, completed),
            (JobStatus.FAILED, failed),
        ):
            kept = {
                "kind": policy.kind,
                "status": status.value,
                "keep": keep,
                "keep_seconds": keep_seconds,
                "keeps_dead": policy.keeps_dead,
            }
            delete = partial(self._delete_old_jobs, kept)
            await repeat_while_full(delete, batch=DELETE_BATCH, limit_seconds=RUN_SECONDS)

    async def _delete_old_jobs(self, kept: Mapping[str, object], *, batch: int) -> int:
        row = await self._database.fetch_one(_DELETE_OLD_JOBS, {**kept, "batch": batch})
        gone = int(row["gone"]) if row else 0
        DELETED_ROWS.labels("jobs").inc(gone)
        return gone
