"""Jobs, for admins: how they stand, what failed and why, and setting it going again (C6, F2)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from common.auth.principal import Role
from common.fields import PlainText
from common.http.auth import CurrentUser, require_role
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.http.dependencies import provided
from orchestrator.http.refusals import ADMIN
from orchestrator.jobs.admin import JobAdminService
from orchestrator.jobs.record import Failure, JobStatus, KindStats
from orchestrator.jobs.schemas import JobDetail, JobsAcknowledged, JobsRetried, JobSummary

__all__ = ["router"]

_ONE = ADMIN | {404: "NOT_FOUND"}
_CHANGE = _ONE | {409: "JOB_INVALID_STATE"}

router = APIRouter(prefix="/admin/jobs", tags=["Admin"], dependencies=[Depends(require_role(Role.ADMIN))])


Desk = Annotated[JobAdminService, provided(JobAdminService)]


@router.get("", responses=refusals(ADMIN), summary="Jobs, newest first (admin)")
async def list_jobs(
    desk: Desk,
    page: PageQuery,
    *,
    queue: Annotated[PlainText | None, Query(description="Only jobs of this kind.")] = None,
    kind: Annotated[PlainText | None, Query(description="Another name of `queue`, which goes first.")] = None,
    status: JobStatus | None = None,
    failure: Annotated[Failure | None, Query(description="`dead`: only failed jobs that wait for people.")] = None,
) -> Paginated[JobSummary]:
    """Of finished jobs only the last are kept."""
    jobs, total = await desk.page(kind=queue or kind, status=status, failure=failure, page=page)
    return paginated(jobs, page=page, total=total)


@router.get("/stats", responses=refusals(ADMIN), summary="How each kind of job does (admin)")
async def show_stats(desk: Desk) -> Success[list[KindStats]]:
    """What waits now; what ended in 24 hours, with rates and durations in seconds."""
    return success(await desk.stats())


@router.post("/retry-all", responses=refusals(ADMIN), summary="Retry all failed jobs, or those of a kind (admin)")
async def retry_all_jobs(desk: Desk, kind: str | None = None) -> Success[JobsRetried]:
    """Those that were acknowledged stay where they are."""
    return success(await desk.retry_all(kind=kind))


@router.post(
    "/acknowledge-all", responses=refusals(ADMIN), summary="Acknowledge all dead jobs, or those of a kind (admin)"
)
async def acknowledge_all_jobs(desk: Desk, kind: str | None = None) -> Success[JobsAcknowledged]:
    """They stay failed, and nobody is called for them any more."""
    return success(await desk.acknowledge_all(kind=kind))


@router.get("/{job_id}", responses=refusals(_ONE), summary="Show a job (admin)")
async def show_job(job_id: uuid.UUID, desk: Desk) -> Success[JobDetail]:
    return success(await desk.show(job_id))


@router.post("/{job_id}/retry", responses=refusals(_CHANGE), summary="Retry a failed job (admin)")
async def retry_job(job_id: uuid.UUID, admin: CurrentUser, desk: Desk) -> Success[JobSummary]:
    """It gets as many tries as a new one. When nobody else had asked for the job, the admin hears of its end (`/ws/me`)."""
    return success(await desk.retry(job_id, admin_id=admin.user_id))


@router.post("/{job_id}/acknowledge", responses=refusals(_CHANGE), summary="Acknowledge a failed job (admin)")
async def acknowledge_job(job_id: uuid.UUID, desk: Desk) -> Success[JobSummary]:
    """Nothing is to be done about it any more. It can still be retried."""
    return success(await desk.acknowledge(job_id))


@router.post("/{job_id}/cancel", responses=refusals(_CHANGE), summary="Cancel a job that was not tried yet (admin)")
async def cancel_job(job_id: uuid.UUID, desk: Desk) -> Success[JobSummary]:
    return success(await desk.cancel(job_id))
