"""The handler of each kind of job."""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from orchestrator.jobs.policies import JobPolicy

__all__ = ["Handler", "HandlerResult", "JobContext", "JobHandler", "Registry", "Work"]

Payload = TypeVar("Payload", bound=BaseModel)
HandlerResult = BaseModel | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class JobContext:
    """The attempt that a handler works on.

    An attempt may repeat one that did its work and crashed before recording it. An effect that must happen once is
    requested under `request_id`, which is the same in every attempt.
    """

    job_id: uuid.UUID
    attempt: int
    max_attempts: int
    requested_by: uuid.UUID | None
    _report: Callable[[Mapping[str, Any]], Awaitable[None]]

    @property
    def is_last_attempt(self) -> bool:
        return self.attempt >= self.max_attempts

    async def report(self, progress: Mapping[str, Any]) -> None:
        """Store the job's progress, visible at once.

        Raises:
            JobTakenOver: the job belongs to another worker; do not catch it.
        """
        await self._report(progress)

    def request_id(self, step: str) -> uuid.UUID:
        """Return the id under which a service does this step of the job once."""
        return uuid.uuid5(self.job_id, step)


Handler = Callable[[Payload, JobContext], Awaitable[HandlerResult]]


@dataclass(frozen=True, slots=True)
class Work:
    """A kind's policy, payload model and handler."""

    policy: JobPolicy
    payload_model: type[BaseModel]
    handler: Callable[[Any, JobContext], Awaitable[HandlerResult]]


@dataclass(frozen=True, slots=True)
class JobHandler:
    """A feature's handler of a kind."""

    kind: str
    payload_model: type[BaseModel]
    handler: Callable[[Any, JobContext], Awaitable[HandlerResult]]


class Registry:
    """The kinds that this process runs. Wake-up messages of other kinds stay in their queues."""

    def __init__(self) -> None:
        self._works: Final[dict[str, Work]] = {}

    def register(self, policy: JobPolicy, payload_model: type[Payload], handler: Handler[Payload]) -> None:
        """Let `handler` run all jobs of the policy's kind."""
        if policy.kind in self._works:
            raise ValueError(f"{policy.kind} already has a handler")
        self._works[policy.kind] = Work(policy, payload_model, handler)

    def __getitem__(self, kind: str) -> Work:
        return self._works[kind]

    def __iter__(self) -> Iterator[Work]:
        return iter(self._works.values())
