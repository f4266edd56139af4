"""Which function does which kind of job."""

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
    """What a handler may know and say of the try it works on.

    A try may be the repetition of one that did its work and died before it could say so. What must happen once is
    asked for under `request_id`, which is the same in every try.
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
        """Show how far it is, at once.

        Raises:
            JobTakenOver: the job belongs to another worker by now; let it pass.
        """
        await self._report(progress)

    def request_id(self, step: str) -> uuid.UUID:
        """Return the id under which a participant does this step of the job once."""
        return uuid.uuid5(self.job_id, step)


Handler = Callable[[Payload, JobContext], Awaitable[HandlerResult]]


@dataclass(frozen=True, slots=True)
class Work:
    """A kind with its rules, its payload's shape and its handler."""

    policy: JobPolicy
    payload_model: type[BaseModel]
    handler: Callable[[Any, JobContext], Awaitable[HandlerResult]]


@dataclass(frozen=True, slots=True)
class JobHandler:
    """What does the jobs of a kind."""

    kind: str
    payload_model: type[BaseModel]
    handler: Callable[[Any, JobContext], Awaitable[HandlerResult]]


class Registry:
    """The kinds that this process works on. Tokens of other kinds stay in their queues."""

    def __init__(self) -> None:
        self._works: Final[dict[str, Work]] = {}

    def register(self, policy: JobPolicy, payload_model: type[Payload], handler: Handler[Payload]) -> None:
        """Let `handler` do all jobs of the policy's kind."""
        if policy.kind in self._works:
            raise ValueError(f"{policy.kind} has a handler already")
        self._works[policy.kind] = Work(policy, payload_model, handler)

    def __getitem__(self, kind: str) -> Work:
        return self._works[kind]

    def __iter__(self) -> Iterator[Work]:
        return iter(self._works.values())
