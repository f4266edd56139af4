"""Where admins see how jobs stand, and set failed ones going again or let them rest."""

import uuid

from common.http.envelope import Page
from orchestrator.jobs.record import Failure, JobStatus, JobView, KindStats
from orchestrator.jobs.schemas import JobDetail, JobsAcknowledged, JobsRetried, JobSummary
from orchestrator.jobs.service import JobQueue

__all__ = ["JobAdminService"]


class JobAdminService:
    """Passes on what the queue raises: JobNotFound, JobInvalidState, UnknownKind."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def page(
        self, *, kind: str | None, status: JobStatus | None, failure: Failure | None, page: Page
    ) -> tuple[list[JobSummary], int]:
        """Return a page of jobs, newest first, and how many there are in all."""
        jobs, total = await self._jobs.page(
            kind=kind, status=status, failure=failure, limit=page.per_page, offset=page.offset
        )
        return [_summary(job) for job in jobs], total

    async def stats(self) -> list[KindStats]:
        return await self._jobs.stats()

    async def show(self, job_id: uuid.UUID) -> JobDetail:
        job = await self._jobs.find(job_id)
        return JobDetail(**job.model_dump(), queue=await self._jobs.position(job_id))

    async def retry(self, job_id: uuid.UUID, *, admin_id: uuid.UUID) -> JobSummary:
        return _summary(await self._jobs.retry(job_id, asked_by=admin_id))

    async def retry_all(self, *, kind: str | None) -> JobsRetried:
        return JobsRetried(retried=await self._jobs.retry_all(kind))

    async def acknowledge(self, job_id: uuid.UUID) -> JobSummary:
        return _summary(await self._jobs.acknowledge(job_id))

    async def acknowledge_all(self, *, kind: str | None) -> JobsAcknowledged:
        return JobsAcknowledged(acknowledged=await self._jobs.acknowledge_all(kind))

    async def cancel(self, job_id: uuid.UUID) -> JobSummary:
        return _summary(await self._jobs.cancel(job_id))


def _summary(job: JobView) -> JobSummary:
    return JobSummary.model_validate(job)
