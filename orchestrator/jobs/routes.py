"""Jobs for admins: lists, statistics, retries and acknowledgements (C6, F2)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from common.fields import PlainText
from common.http.auth import ADMIN_ONLY, CurrentUser
from common.http.dependencies import provided
from common.http.envelope import CursorPageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN
from orchestrator.jobs.record import Failure, JobStatus, JobSummary, KindStats
from orchestrator.jobs.schemas import JobDetail, JobsAcknowledged, JobsRetried
from orchestrator.jobs.service import JobQueue

__all__ = ["router"]

_ONE = ADMIN | {404: "NOT_FOUND"}
_CHANGE = _ONE | {409: "JOB_INVALID_STATE"}

router = APIRouter(prefix="/admin/jobs", tags=["Admin"], dependencies=[ADMIN_ONLY])


Jobs = Annotated[JobQueue, provided(JobQueue)]
Kind = Annotated[PlainText | None, Query(max_length=100, description="Only jobs of this kind.")]


@router.get("", responses=refusals(ADMIN), summary="List jobs, newest first (admin)")
async def list_jobs(
    jobs: Jobs,
    page: CursorPageQuery,
    *,
    queue: Kind = None,
    kind: Annotated[PlainText | None, Query(description="Alias of `queue`, which takes precedence.")] = None,
    status: JobStatus | None = None,
    failure: Annotated[Failure | None, Query(description="`dead`: only failed jobs that wait for an admin.")] = None,
) -> Paginated[JobSummary]:
    """Only the latest finished jobs are kept."""
    found, total = await jobs.page(
        kind=queue or kind,
        status=status,
        failure=failure,
        limit=page.per_page,
        offset=page.offset,
        after=page.after,
    )
    return paginated((list[JobSummary](found), total), page)


@router.get("/stats", responses=refusals(ADMIN), summary="Show statistics of each kind of job (admin)")
async def show_stats(jobs: Jobs) -> Success[list[KindStats]]:
    """Jobs that wait now, and jobs that ended in the last 24 hours, with rates and durations in seconds."""
    return success(await jobs.stats())


@router.post("/retry-all", responses=refusals(ADMIN), summary="Retry all failed jobs, or those of a kind (admin)")
async def retry_all_jobs(jobs: Jobs, audit: Audit, kind: Kind = None) -> Success[JobsRetried]:
    """Acknowledged jobs are not retried."""
    async with audit.record("job.retry_all", "job", None, {"kind": kind}) as change:
        retried = await jobs.retry_all(kind)
        change.after = {"retried": retried}
    return success(JobsRetried(retried=retried))


@router.post(
    "/acknowledge-all", responses=refusals(ADMIN), summary="Acknowledge all dead jobs, or those of a kind (admin)"
)
async def acknowledge_all_jobs(jobs: Jobs, audit: Audit, kind: Kind = None) -> Success[JobsAcknowledged]:
    """The jobs stay failed and no longer raise an alert."""
    async with audit.record("job.acknowledge_all", "job", None, {"kind": kind}) as change:
        acknowledged = await jobs.acknowledge_all(kind)
        change.after = {"acknowledged": acknowledged}
    return success(JobsAcknowledged(acknowledged=acknowledged))


@router.get("/{job_id}", responses=refusals(_ONE), summary="Show a job (admin)")
async def show_job(job_id: uuid.UUID, jobs: Jobs) -> Success[JobDetail]:
    job = await jobs.find(job_id)
    return success(JobDetail(**job.model_dump(), queue=await jobs.position(job_id)))


@router.post("/{job_id}/retry", responses=refusals(_CHANGE), summary="Retry a failed job (admin)")
async def retry_job(job_id: uuid.UUID, admin: CurrentUser, jobs: Jobs, audit: Audit) -> Success[JobSummary]:
    """The job gets as many attempts as a new job. If no user requested it, the admin is notified of its end (`/ws/me`)."""
    async with audit.record("job.retry", "job", job_id) as change:
        job = await jobs.retry(job_id, requested_by=admin.user_id)
        change.before, change.after = {"status": JobStatus.FAILED}, {"status": job.status}
    return success(job)


@router.post("/{job_id}/acknowledge", responses=refusals(_CHANGE), summary="Acknowledge a failed job (admin)")
async def acknowledge_job(job_id: uuid.UUID, jobs: Jobs, audit: Audit) -> Success[JobSummary]:
    """The job needs no further action. It can still be retried."""
    async with audit.record("job.acknowledge", "job", job_id) as change:
        change.before = {"failure": (await jobs.find(job_id)).failure}
        job = await jobs.acknowledge(job_id)
        change.after = {"failure": job.failure}
    return success(job)


@router.post("/{job_id}/cancel", responses=refusals(_CHANGE), summary="Cancel a job before its first attempt (admin)")
async def cancel_job(job_id: uuid.UUID, jobs: Jobs, audit: Audit) -> Success[JobSummary]:
    async with audit.record("job.cancel", "job", job_id) as change:
        change.before = {"status": (await jobs.find(job_id)).status}
        job = await jobs.cancel(job_id)
        change.after = {"status": job.status}
    return success(job)
