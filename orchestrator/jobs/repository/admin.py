"""Jobs as admins and other packages see them: found, listed, counted, cancelled, retried, acknowledged."""

import uuid
from typing import Final

from sqlalchemy import select, text

from common.db.engine import Database
from common.db.pages import find_newest, has_value
from common.pages import Cursor, Total
from common.rows import readable
from orchestrator.jobs.models import jobs
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.record import Failure, JobPosition, JobStatus, JobView, KindStats
from orchestrator.jobs.repository.fragments import COLUMN_NAMES, COLUMNS, NEXT_IN_LANE, job_view, wake_ups

__all__ = ["JobQueries"]

_FIND: Final = text(f"SELECT {COLUMNS} FROM jobs WHERE job_id = :job_id")  # noqa: S608

_LISTED: Final = select(*(jobs.c[name] for name in COLUMN_NAMES))

_CANCEL: Final = text(
    f"""
    WITH written AS (
        UPDATE jobs SET status = 'cancelled', finished_at = clock_timestamp(), token_at = NULL, epoch = epoch + 1
        WHERE job_id = :job_id AND status = 'queued'
          AND (CAST(:requested_by AS uuid) IS NULL OR requested_by = :requested_by)
        RETURNING *, true AS leaves_lane),
    {NEXT_IN_LANE},
    {wake_ups("token", of="next_in_lane")}
    SELECT {COLUMNS} FROM written
    """  # noqa: S608 - constants only
)

# The job goes to the end of its lane with as many attempts as a new job; earlier attempts stay counted. An acknowledged
# job is retried only by its id. The admin who retries a job that no user requested becomes its requester.
_RETRY: Final = text(
    f"""
    WITH policies AS (
        SELECT p.kind, p.max_attempts
        FROM unnest(CAST(:kinds AS text[]), CAST(:max_attempts AS integer[])) AS p (kind, max_attempts)),
    written AS (
        UPDATE jobs AS j SET status = 'queued', failure = NULL, finished_at = NULL, token_at = NULL,
            requested_by = coalesce(requested_by, CAST(:asked_by AS uuid)), epoch = epoch + 1,
            max_attempts = attempts + p.max_attempts, queued_at = clock_timestamp(), run_at = now()
        FROM policies AS p
        WHERE p.kind = j.kind AND j.job_id IN (
            SELECT job_id FROM jobs
            WHERE status = 'failed' AND kind = ANY(:kinds)
              AND CASE WHEN CAST(:job_id AS uuid) IS NULL THEN failure IS DISTINCT FROM 'acknowledged'
                  ELSE job_id = :job_id END
            FOR UPDATE SKIP LOCKED)
        RETURNING j.*),
    {wake_ups("token", of="written")}
    SELECT {COLUMNS} FROM written
    """  # noqa: S608 - constants only
)

_ACKNOWLEDGE: Final = text(
    f"""
    UPDATE jobs SET failure = 'acknowledged'
    WHERE status = 'failed' AND kind = ANY(:kinds)
      AND CASE WHEN CAST(:job_id AS uuid) IS NULL THEN failure = 'dead' ELSE job_id = :job_id END
    RETURNING {COLUMNS}
    """  # noqa: S608 - constants only
)

# The average is over the last attempts of the 100 jobs of the kind that completed last.
_POSITION: Final = text(
    """
    SELECT m.status, m.lane, greatest(0, extract(epoch FROM m.run_at - now())) AS delay,
        (SELECT count(*) FROM jobs AS j
         WHERE j.kind = m.kind AND j.status IN ('queued', 'retrying') AND j.job_id <> m.job_id AND j.run_at <= now()
           AND CASE WHEN m.lane IS NOT NULL THEN j.lane = m.lane AND (j.queued_at, j.number) < (m.queued_at, m.number)
               ELSE j.priority > m.priority
                    OR (j.priority = m.priority AND (j.queued_at, j.number) < (m.queued_at, m.number)) END) AS ahead,
        (SELECT count(*) FROM jobs AS j
         WHERE j.kind = m.kind AND j.status = 'running' AND (m.lane IS NULL OR j.lane = m.lane)) AS running,
        (SELECT avg(extract(epoch FROM f.finished_at - f.started_at)) FROM (
            SELECT started_at, finished_at FROM jobs WHERE kind = m.kind AND status = 'completed'
            ORDER BY finished_at DESC LIMIT 100) AS f) AS average
    FROM jobs AS m WHERE m.job_id = :job_id
    """
)

_STATS: Final = text(
    """
    WITH ended AS (
        SELECT kind, status, finished_at, extract(epoch FROM finished_at - started_at) AS seconds
        FROM jobs WHERE finished_at > now() - interval '24 hours'),
    added AS (
        SELECT kind, status, count(*) AS jobs, coalesce(sum(seconds), 0) AS seconds FROM ended GROUP BY 1, 2
        UNION ALL
        SELECT kind, status, sum(jobs), sum(seconds) FROM job_tallies
        WHERE hour > now() - interval '24 hours' GROUP BY 1, 2),
    total AS (
        SELECT kind, sum(jobs) FILTER (WHERE status = 'completed') AS completed,
            sum(jobs) FILTER (WHERE status = 'failed') AS failed,
            sum(jobs) FILTER (WHERE status = 'cancelled') AS cancelled,
            sum(seconds) FILTER (WHERE status <> 'cancelled') AS seconds FROM added GROUP BY 1),
    slow AS (
        SELECT kind, percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
        FROM ended WHERE status = 'completed' GROUP BY 1),
    waiting AS (
        SELECT kind, count(*) FILTER (WHERE status = 'queued') AS queued,
            count(*) FILTER (WHERE status = 'running') AS running,
            count(*) FILTER (WHERE status = 'retrying') AS retrying,
            count(*) FILTER (WHERE status = 'failed') AS failed_kept,
            extract(epoch FROM now() - min(run_at)
                FILTER (WHERE status IN ('queued', 'retrying') AND run_at <= now())) AS oldest
        FROM jobs GROUP BY 1)
    SELECT k.kind, w.queued, w.running, w.retrying, w.failed_kept, t.completed, t.failed, t.cancelled, t.seconds, s.p95,
        w.oldest
    FROM unnest(CAST(:kinds AS text[])) AS k (kind)
    LEFT JOIN total AS t USING (kind) LEFT JOIN waiting AS w USING (kind) LEFT JOIN slow AS s USING (kind)
    ORDER BY k.kind
    """
)
MINUTES_PER_DAY: Final = 1440


class JobQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_id: uuid.UUID) -> JobView | None:
        row = await self._database.fetch_one(_FIND, {"job_id": job_id})
        return job_view(row) if row else None

    async def page(
        self,
        *,
        kind: str | None,
        status: JobStatus | None,
        failure: Failure | None = None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[JobView], Total]:
        """Return jobs, newest first, and the total."""
        found = _LISTED if kind is None else _LISTED.where(jobs.c.kind == kind)
        if failure is not None:
            found = found.where(has_value(jobs.c.failure, failure), has_value(jobs.c.status, JobStatus.FAILED))
        if status is not None:
            found = found.where(has_value(jobs.c.status, status))
        at, key = jobs.c.created_at, jobs.c.job_id
        rows, total = await find_newest(self._database, found, at=at, key=key, limit=limit, offset=offset, after=after)
        return readable(rows, job_view, of="jobs"), total

    async def cancel(self, job_id: uuid.UUID, *, requested_by: uuid.UUID | None) -> JobView | None:
        """Cancel a job before its first attempt; return None if it has begun or belongs to another user."""
        row = await self._database.fetch_one(_CANCEL, {"job_id": job_id, "requested_by": requested_by})
        return job_view(row) if row else None

    async def retry(
        self, policies: list[JobPolicy], *, job_id: uuid.UUID | None = None, asked_by: uuid.UUID | None = None
    ) -> list[JobView]:
        """Queue the failed jobs of these kinds again, or one of them."""
        parameters = {
            "kinds": [policy.kind for policy in policies],
            "max_attempts": [policy.max_attempts for policy in policies],
            "job_id": job_id,
            "asked_by": asked_by,
        }
        return readable(await self._database.fetch_all(_RETRY, parameters), job_view, of="jobs")

    async def acknowledge(self, kinds: list[str], *, job_id: uuid.UUID | None = None) -> list[JobView]:
        """Acknowledge the dead jobs of these kinds, or one failed job, dead or refused."""
        parameters = {"kinds": kinds, "job_id": job_id}
        return readable(await self._database.fetch_all(_ACKNOWLEDGE, parameters), job_view, of="jobs")

    async def position(self, job_id: uuid.UUID) -> JobPosition | None:
        row = await self._database.fetch_one(_POSITION, {"job_id": job_id})
        if row is None:
            return None
        if row["status"] not in {JobStatus.QUEUED, JobStatus.RETRYING}:
            return JobPosition(position=0, estimated_wait_seconds=0.0)
        # While jobs wait, all slots are busy: the number of running jobs is the concurrency.
        ahead, running = row["ahead"], row["running"]
        concurrency = 1 if row["lane"] is not None else max(running, 1)
        wait = None
        if row["average"] is not None:
            wait = max(float(row["delay"]), float(row["average"]) * (ahead + running) / concurrency)
        return JobPosition(position=ahead + 1, estimated_wait_seconds=wait)

    async def stats(self, kinds: list[str]) -> list[KindStats]:
        return [_stats(dict(row)) for row in await self._database.fetch_all(_STATS, {"kinds": kinds})]


def _stats(row: dict[str, float | str | None]) -> KindStats:
    def number(name: str) -> int:
        return int(row[name] or 0)

    completed, failed = number("completed"), number("failed")
    ended = completed + failed
    return KindStats(
        kind=str(row["kind"]),
        queued=number("queued"),
        running=number("running"),
        retrying=number("retrying"),
        failed_kept=number("failed_kept"),
        completed=completed,
        failed=failed,
        cancelled=number("cancelled"),
        success_rate=completed / ended if ended else None,
        average_seconds=float(row["seconds"] or 0) / ended if ended else None,
        p95_seconds=None if row["p95"] is None else float(row["p95"]),
        completed_per_minute=completed / MINUTES_PER_DAY,
        oldest_waiting_seconds=None if row["oldest"] is None else float(row["oldest"]),
    )
