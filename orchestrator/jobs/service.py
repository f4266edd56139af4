"""The job queue, as the rest of the orchestrator uses it."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

from common.telemetry.correlation import correlation_id
from orchestrator.jobs.errors import JobInvalidState, JobNotFound, UnknownKind
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.record import Failure, JobPosition, JobStatus, JobView, KindStats, NewJob
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter

__all__ = ["JobQueue"]


class JobQueue:
    """Takes jobs, and answers what becomes of them. It does not work on them; `python -m orchestrator.worker` does.

    Args:
        on_enqueued: called after a write that left tokens in the outbox, so that they leave at once.
    """

    def __init__(
        self,
        *,
        writer: JobWriter,
        queries: JobQueries,
        policies: Mapping[str, JobPolicy],
        on_enqueued: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._queries = queries
        self._policies = policies
        self.wake = on_enqueued

    async def enqueue(
        self,
        kind: str,
        payload: BaseModel | Mapping[str, Any],
        *,
        idempotency_key: str,
        requested_by: uuid.UUID | None = None,
        priority: int | None = None,
        run_at: datetime | None = None,
        lane: str | None = None,
    ) -> JobView:
        """Store a job and wake a worker. A repeated key returns the job there is, also long after it was done.

        Args:
            priority: higher goes first within the kind; the policy's own when omitted.
            run_at: not before this time.
            lane: jobs of one kind and lane run one at a time, first in, first out, whatever their priority. A failed
                one makes way when its tries are used up, not before.

        Raises:
            Unprocessable: the key was used with another payload.
            UnknownKind: no policy knows it.
        """
        job = self.new_job(
            kind,
            payload,
            idempotency_key=idempotency_key,
            requested_by=requested_by,
            priority=priority,
            run_at=run_at,
            lane=lane,
        )
        view, is_new = await self._writer.enqueue(job)
        if is_new:
            self.wake()
        return view

    def new_job(
        self,
        kind: str,
        payload: BaseModel | Mapping[str, Any],
        *,
        idempotency_key: str,
        requested_by: uuid.UUID | None = None,
        priority: int | None = None,
        run_at: datetime | None = None,
        lane: str | None = None,
    ) -> NewJob:
        """Make a job for `repository.enqueuing.enqueue_in`, to be stored in a transaction of one's own; then `wake`."""
        policy = self._policy(kind)
        return NewJob(
            kind=kind,
            payload=_plain(payload),
            idempotency_key=idempotency_key,
            requested_by=requested_by,
            priority=policy.priority if priority is None else priority,
            lane=lane,
            run_at=run_at,
            max_attempts=policy.tries,
            correlation_id=correlation_id(),
        )

    async def find(self, job_id: uuid.UUID) -> JobView:
        """Return a job.

        Raises:
            JobNotFound: there is none, or it was finished so long ago that it is not kept.
        """
        job = await self._queries.find(job_id)
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
    ) -> tuple[list[JobView], int]:
        """Return jobs, newest first, and how many there are in all."""
        return await self._queries.page(kind=kind, status=status, failure=failure, limit=limit, offset=offset)

    async def cancel(self, job_id: uuid.UUID, *, requested_by: uuid.UUID | None = None) -> JobView:
        """Cancel a job that has not been tried yet. To cancel it again changes nothing.

        Args:
            requested_by: refuse unless it is theirs; anybody's when omitted.

        Raises:
            JobNotFound: there is none, or it is somebody else's.
            JobInvalidState: it runs, or did, or waits for another try: its effect may be there already.
        """
        cancelled = await self._queries.cancel(job_id, requested_by=requested_by)
        if cancelled is not None:
            self.wake()
            return cancelled
        job = await self.find(job_id)
        if requested_by is not None and job.requested_by != requested_by:
            raise JobNotFound(job_id=job_id)
        if job.status is not JobStatus.CANCELLED:
            raise JobInvalidState(job_id=job_id, status=job.status)
        return job

    async def retry(self, job_id: uuid.UUID, *, asked_by: uuid.UUID | None = None) -> JobView:
        """Queue a failed job anew, with as many tries as a new one.

        Args:
            asked_by: from now on who asked for the job, if nobody in particular had.

        Raises:
            JobNotFound: there is none.
            JobInvalidState: it has not failed.
        """
        if retried := await self._queries.retry([*self._policies.values()], job_id=job_id, asked_by=asked_by):
            self.wake()
            return retried[0]
        job = await self.find(job_id)
        raise JobInvalidState(job_id=job_id, status=job.status)

    async def retry_all(self, kind: str | None = None) -> int:
        """Queue all failed jobs anew that nobody has acknowledged, or those of one kind; return how many."""
        policies = [*self._policies.values()] if kind is None else [self._policy(kind)]
        retried = await self._queries.retry(policies)
        if retried:
            self.wake()
        return len(retried)

    async def acknowledge(self, job_id: uuid.UUID) -> JobView:
        """Let a failed job rest: somebody has seen to it. To do so again changes nothing.

        Raises:
            JobNotFound: there is none.
            JobInvalidState: it has not failed.
        """
        if acknowledged := await self._queries.acknowledge([*self._policies], job_id=job_id):
            return acknowledged[0]
        job = await self.find(job_id)
        raise JobInvalidState(job_id=job_id, status=job.status)

    async def acknowledge_all(self, kind: str | None = None) -> int:
        """Let all dead jobs rest, or those of one kind; return how many."""
        kinds = [*self._policies] if kind is None else [self._policy(kind).kind]
        return len(await self._queries.acknowledge(kinds))

    async def stats(self) -> list[KindStats]:
        """Return how each kind does."""
        return await self._queries.stats([*self._policies])

    async def position(self, job_id: uuid.UUID) -> JobPosition:
        """Return how far a job is from its turn.

        Raises:
            JobNotFound: there is none.
        """
        position = await self._queries.position(job_id)
        if position is None:
            raise JobNotFound(job_id=job_id)
        return position

    def _policy(self, kind: str) -> JobPolicy:
        policy = self._policies.get(kind)
        if policy is None:
            raise UnknownKind(kind=kind)
        return policy


def _plain(payload: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(payload, BaseModel):
        return payload.model_dump(mode="json")
    plain: dict[str, Any] = orjson.loads(orjson.dumps(payload, default=str))
    return plain
