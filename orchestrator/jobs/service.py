"""The job queue, as other packages use it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Required, TypedDict, Unpack

import orjson
from pydantic import BaseModel

from common.pages import Cursor, Total
from common.telemetry.correlation import correlation_id
from orchestrator.jobs.errors import JobInvalidState, JobNotFound, UnknownKind
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.record import Failure, JobPosition, JobStatus, JobView, KindStats, NewJob
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter


class JobOptions(TypedDict, total=False):
    """Options of a new job.

    Args:
        priority: jobs with a higher one run first within the kind; the policy's own by default.
        run_at: the job does not run before this time.
        lane: jobs of one kind and lane run one at a time, first in, first out, whatever their priority. A failing job
            blocks its lane until its attempts are used up.
        job_id: the job's id; a new one if omitted.
    """

    idempotency_key: Required[str]
    requested_by: uuid.UUID | None
    priority: int
    run_at: datetime | None
    lane: str | None
    job_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueue:
    """Accepts jobs and reports on them; `python -m orchestrator.worker` runs them.

    Args:
        wake_relay: called after a write that left wake-up messages in the outbox, so that they leave at once.
    """

    writer: JobWriter
    queries: JobQueries
    policies: Mapping[str, JobPolicy]
    wake_relay: Callable[[], None]

    async def enqueue(
        self, kind: str, payload: BaseModel | Mapping[str, Any], **options: Unpack[JobOptions]
    ) -> JobView:
        """Store a job and wake a worker. A repeated key returns the existing job, even long after it ended.

        Raises:
            Unprocessable: the key was used with another payload.
            UnknownKind: the kind has no policy.
        """
        view, is_new = await self.writer.enqueue(self.new_job(kind, payload, **options))
        if is_new:
            self.wake_relay()
        return view

    def new_job(self, kind: str, payload: BaseModel | Mapping[str, Any], **options: Unpack[JobOptions]) -> NewJob:
        """Return a job for `repository.writer.enqueue_in`, to be stored in the caller's transaction; then `wake_relay`."""
        policy = self._policy(kind)
        facts: dict[str, Any] = {"priority": policy.priority, **options}
        return NewJob(
            kind=kind,
            payload=_plain(payload),
            max_attempts=policy.max_attempts,
            correlation_id=correlation_id(),
            **facts,
        )

    async def find(self, job_id: uuid.UUID) -> JobView:
        """Return a job.

        Raises:
            JobNotFound: there is none, or it ended so long ago that it was deleted.
        """
        job = await self.queries.find(job_id)
        if job is None:
            raise JobNotFound(job_id=job_id)
        return job

    async def page(
        self,
        *,
        kind: str | None = None,
        status: JobStatus | None = None,
        failure: Failure | None = None,
        limit: int = 20,
        offset: int = 0,
        after: Cursor | None = None,
    ) -> tuple[list[JobView], Total]:
        """Return jobs, newest first, and the total."""
        return await self.queries.page(
            kind=kind, status=status, failure=failure, limit=limit, offset=offset, after=after
        )

    async def cancel(self, job_id: uuid.UUID, *, requested_by: uuid.UUID | None = None) -> JobView:
        """Cancel a job before its first attempt. Cancelling it again changes nothing.

        Args:
            requested_by: cancel only a job of this user; any user's job if omitted.

        Raises:
            JobNotFound: there is none, or it belongs to another user.
            JobInvalidState: its first attempt has begun, so its effect may exist already.
        """
        cancelled = await self.queries.cancel(job_id, requested_by=requested_by)
        if cancelled is not None:
            self.wake_relay()
            return cancelled
        job = await self.find(job_id)
        if requested_by is not None and job.requested_by != requested_by:
            raise JobNotFound(job_id=job_id)
        if job.status is not JobStatus.CANCELLED:
            raise JobInvalidState(job_id=job_id, status=job.status)
        return job

    async def retry(self, job_id: uuid.UUID, *, requested_by: uuid.UUID | None = None) -> JobView:
        """Queue a failed job again, with as many attempts as a new job.

        Args:
            requested_by: becomes the requester of a job that no user requested.

        Raises:
            JobNotFound: there is none.
            JobInvalidState: it has not failed.
        """
        if retried := await self.queries.retry([*self.policies.values()], job_id=job_id, asked_by=requested_by):
            self.wake_relay()
            return retried[0]
        job = await self.find(job_id)
        raise JobInvalidState(job_id=job_id, status=job.status)

    async def retry_all(self, kind: str | None = None) -> int:
        """Queue all failed, unacknowledged jobs again, or those of one kind; return how many."""
        policies = [*self.policies.values()] if kind is None else [self._policy(kind)]
        retried = await self.queries.retry(policies)
        if retried:
            self.wake_relay()
        return len(retried)

    async def acknowledge(self, job_id: uuid.UUID) -> JobView:
        """Acknowledge a failed job, which then needs no further action. Repeating it changes nothing.

        Raises:
            JobNotFound: there is none.
            JobInvalidState: it has not failed.
        """
        if acknowledged := await self.queries.acknowledge([*self.policies], job_id=job_id):
            return acknowledged[0]
        job = await self.find(job_id)
        raise JobInvalidState(job_id=job_id, status=job.status)

    async def acknowledge_all(self, kind: str | None = None) -> int:
        """Acknowledge all dead jobs, or those of one kind; return how many."""
        kinds = [*self.policies] if kind is None else [self._policy(kind).kind]
        return len(await self.queries.acknowledge(kinds))

    async def stats(self) -> list[KindStats]:
        """Return the statistics of each kind."""
        return await self.queries.stats([*self.policies])

    async def position(self, job_id: uuid.UUID) -> JobPosition:
        """Return a job's position in its queue, or raise JobNotFound."""
        position = await self.queries.position(job_id)
        if position is None:
            raise JobNotFound(job_id=job_id)
        return position

    def _policy(self, kind: str) -> JobPolicy:
        policy = self.policies.get(kind)
        if policy is None:
            raise UnknownKind(kind=kind)
        return policy


def _plain(payload: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(payload, BaseModel):
        return payload.model_dump(mode="json")
    plain: dict[str, Any] = orjson.loads(orjson.dumps(payload, default=str))
    return plain
