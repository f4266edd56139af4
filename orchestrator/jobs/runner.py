"""Works on one job at a time for each token: claim, handler, write. Keeps the leases of all that is in hand."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError

from common.backoff import backoff
from common.db.engine import sqlstate_of
from common.errors import ServiceError, Unavailable
from common.telemetry.correlation import set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.tracing import SpanKind, continued_span, fail
from orchestrator.jobs import messages
from orchestrator.jobs.errors import (
    BROKE,
    GAVE_UP,
    PAYLOAD_INVALID,
    RESULT_INVALID,
    TIMED_OUT,
    WORKER_LOST,
    JobRefused,
    JobTakenOver,
    JobUnreadable,
)
from orchestrator.jobs.observer import JobMoment, JobObserver
from orchestrator.jobs.record import Attempt, Failure, JobError, JobStatus
from orchestrator.jobs.registry import JobContext, Registry, Work
from orchestrator.jobs.repository.attempts import Attempts

__all__ = ["HANDED_BACK", "LOST", "JobRunner"]

LOST: Final = "lost"
HANDED_BACK: Final = "handed back"
# A handler that does not end when it is cancelled is left behind after this.
CANCEL_SECONDS: Final = 2.0
FIRST_WAIT_SECONDS: Final = 0.1
LONGEST_WAIT_SECONDS: Final = 2.0
# Of a statement that PostgreSQL will never take: data it has no place for (such as U+0000), or too much of it.
DATA_REFUSED: Final = ("22", "54")

logger = get_logger(__name__)


@dataclass(slots=True)
class _InHand:
    attempt: Attempt
    task: asyncio.Task[Any]
    ended_by_us: str = ""  # LOST or HANDED_BACK


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`name` is the status to be written, or Failure.REFUSED, LOST or HANDED_BACK."""

    name: str
    result: Mapping[str, Any] | None = None
    error: JobError | None = None


class JobRunner:
    """Runs handlers.

    Args:
        waits_on_broker: the pauses for which the broker has a queue; the scheduler looks after the others.
        on_announced: called after a write that took messages along, so that they leave at once.
    """

    def __init__(
        self,
        attempts: Attempts,
        registry: Registry,
        observer: JobObserver,
        *,
        waits_on_broker: Collection[float],
        on_announced: Callable[[], None],
    ) -> None:
        self._attempts = attempts
        self._registry = registry
        self._observer = observer
        self._waits_on_broker = frozenset(waits_on_broker)
        self._on_announced = on_announced
        # By job and epoch: a job that was lost may come back while the try that lost it has not ended yet.
        self._in_hand: dict[tuple[uuid.UUID, int], _InHand] = {}
        self._leases: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._leases = asyncio.create_task(self._keep_leases(), name="job leases")

    async def close(self) -> None:
        if self._leases is not None:
            self._leases.cancel()
            with suppress(asyncio.CancelledError):
                await self._leases

    def hand_back(self) -> None:
        """End the tries that are in hand; their jobs go back to the queue, and the tries do not count."""
        for held in self._in_hand.values():
            self._end(held, HANDED_BACK)

    async def work(self, kind: str) -> bool:
        """Try the best ready job of a kind; False when there is none.

        Raises:
            Unavailable: the database is away; nothing was begun.
        """
        await self._observer.reached(JobMoment.BEFORE_CLAIM, kind)
        attempt = await self._attempts.claim(kind)
        if attempt is None:
            return False
        await self._observer.reached(JobMoment.AFTER_CLAIM, kind)
        set_correlation_id(attempt.correlation_id)
        began = perf_counter()
        work = self._registry[kind]
        try:
            with continued_span(f"job {kind}", SpanKind.CONSUMER, attempt.traceparent) as traced:
                outcome = await self._try(work, attempt)
                await self._observer.reached(JobMoment.AFTER_EFFECT, kind)
                outcome = await self._written(work, attempt, outcome)
                if outcome.error is not None:
                    fail(traced, outcome.error.code)
        finally:
            self._in_hand.pop((attempt.job_id, attempt.epoch), None)
        self._observer.ended(attempt, outcome.name, outcome.error, seconds=perf_counter() - began)
        await self._observer.reached(JobMoment.AFTER_WRITE, kind)
        return True

    async def give_back_lost(self, *, batch: int) -> int:
        """Write down the tries whose worker fell silent; return how many. Such a try counts."""
        lost = await self._attempts.take_over_lost(batch=batch)
        error = JobError(code=WORKER_LOST, message="The worker fell silent while it had the job.")
        for attempt in lost:
            with suppress(JobTakenOver):
                if attempt.is_last:
                    await self._fail(attempt, error)
                else:
                    await self._attempts.try_again(attempt, error, pause_seconds=0.0)
            logger.warning("job.worker_lost", kind=attempt.kind, job_id=str(attempt.job_id), attempt=attempt.number)
        return len(lost)

    async def _try(self, work: Work, attempt: Attempt) -> _Outcome:
        task = asyncio.create_task(self._call(work, attempt), name=f"job {attempt.job_id}")
        held = self._in_hand[attempt.job_id, attempt.epoch] = _InHand(attempt, task)
        try:
            await asyncio.wait({task}, timeout=work.policy.timeout_seconds)
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=CANCEL_SECONDS)
                return _failure(attempt, JobError(code=TIMED_OUT, message=_timeout_message(work)))
        finally:
            task.cancel()
        if task.cancelled():
            error = JobError(code=GAVE_UP, message="The handler gave itself up.")
            return _Outcome(held.ended_by_us) if held.ended_by_us else _failure(attempt, error)
        return _judged(attempt, task)

    async def _call(self, work: Work, attempt: Attempt) -> Mapping[str, Any] | None:
        context = JobContext(
            job_id=attempt.job_id,
            attempt=attempt.number,
            max_attempts=attempt.max_attempts,
            requested_by=attempt.requested_by,
            _report=partial(self._attempts.report, attempt),
        )
        try:
            payload = work.payload_model.model_validate(attempt.payload)
        except ValidationError as error:
            raise JobUnreadable(f"{error.error_count()} fields of the payload are wrong") from error
        result = await work.handler(payload, context)
        return result.model_dump(mode="json") if isinstance(result, BaseModel) else result

    async def _written(self, work: Work, attempt: Attempt, outcome: _Outcome) -> _Outcome:
        """Write it, however long the database is away; what another worker took over meanwhile is left to it."""
        if outcome.name == LOST:
            return outcome
        try:
            return await self._stored(work, attempt, outcome)
        except JobTakenOver:
            return _Outcome(LOST)

    async def _stored(self, work: Work, attempt: Attempt, outcome: _Outcome) -> _Outcome:
        """Write it, or what can be stored of it: a job left running would have its effect repeated by the next try."""
        try:
            await _until_available(lambda: self._write(work, attempt, outcome))
        except (DBAPIError, TypeError, ValueError) as error:
            if isinstance(error, DBAPIError) and not sqlstate_of(error).startswith(DATA_REFUSED):
                raise
            reason = type(error).__name__
            logger.error("job.cannot_be_stored", kind=attempt.kind, job_id=str(attempt.job_id), reason=reason)  # noqa: TRY400 - a trace would quote it
            storable = _storable(outcome)
            await _until_available(lambda: self._write(work, attempt, storable))
            return storable
        return outcome

    async def _write(self, work: Work, attempt: Attempt, outcome: _Outcome) -> None:
        match outcome.name:
            case JobStatus.COMPLETED:
                is_told = work.policy.tells_completion or attempt.requested_by is not None
                facts = [messages.ended(attempt, JobStatus.COMPLETED)] if is_told else []
                if await self._attempts.complete(attempt, outcome.result, facts):
                    self._on_announced()
            case JobStatus.FAILED if outcome.error:
                await self._fail(attempt, outcome.error)
            case Failure.REFUSED if outcome.error:
                await self._refuse(attempt, outcome.error)
            case JobStatus.RETRYING if outcome.error:
                await self._try_again(work, attempt, outcome.error)
            case _:
                await self._attempts.try_again(attempt, None, pause_seconds=0.0, is_unused=True)

    async def _fail(self, attempt: Attempt, error: JobError) -> None:
        facts = [messages.ended(attempt, JobStatus.FAILED, error), messages.dead(attempt, error)]
        await self._attempts.fail(attempt, Failure.DEAD, error, facts)
        self._on_announced()

    async def _refuse(self, attempt: Attempt, error: JobError) -> None:
        await self._attempts.fail(attempt, Failure.REFUSED, error, [messages.ended(attempt, JobStatus.FAILED, error)])
        self._on_announced()

    async def _try_again(self, work: Work, attempt: Attempt, error: JobError) -> None:
        policy = work.policy
        failed_tries = policy.tries - (attempt.max_attempts - attempt.number)  # a retry by people begins a new round
        pause = policy.pause_after(max(1, failed_tries))
        token = [messages.token_after(attempt, pause_seconds=pause)] if pause in self._waits_on_broker else []
        await self._attempts.try_again(attempt, error, token, pause_seconds=pause)
        self._on_announced()

    async def _keep_leases(self) -> None:
        """Renew three times in a lease's length, so that one slow answer of the database loses nothing."""
        while True:
            await asyncio.sleep(self._attempts.lease_seconds / 3)
            held = [*self._in_hand.values()]
            if not held:
                continue
            try:
                ours = await self._attempts.renew([each.attempt for each in held])
            except Unavailable as error:
                logger.warning("job.leases_wait", **error.private)
                continue
            except Exception:
                logger.exception("job.leases_failed")
                continue
            for each in held:
                if (each.attempt.job_id, each.attempt.epoch) not in ours:
                    self._end(each, LOST)

    def _end(self, held: _InHand, reason: str) -> None:
        if not held.task.done():
            held.ended_by_us = reason
            held.task.cancel()


async def _until_available(write: Callable[[], Awaitable[None]]) -> None:
    pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
    while True:
        try:
            return await write()
        except Unavailable as error:
            logger.warning("job.write_waits", **error.private)
        await asyncio.sleep(next(pauses))


def _judged(attempt: Attempt, task: asyncio.Task[Mapping[str, Any] | None]) -> _Outcome:
    """Say what a handler that ended by itself means for its job."""
    error = task.exception()
    match error:
        case None:
            return _Outcome(JobStatus.COMPLETED, result=task.result())
        case JobTakenOver():
            return _Outcome(LOST)
        case JobRefused():
            return _Outcome(Failure.REFUSED, error=JobError(code=error.code, message=str(error)))
        case JobUnreadable():
            return _Outcome(JobStatus.FAILED, error=JobError(code=PAYLOAD_INVALID, message=str(error)))
        case ServiceError():
            return _failure(attempt, JobError(code=error.code, message=error.public_message))
        case Exception():
            logger.error("job.broke", kind=attempt.kind, job_id=str(attempt.job_id), exc_info=error)
            # Nobody chose the words of such an error: they may quote what was sent to us. The log has them.
            return _failure(attempt, JobError(code=BROKE, message=type(error).__name__))
        case _:
            raise error  # not a failure of the job: the process is to end


def _failure(attempt: Attempt, error: JobError) -> _Outcome:
    return _Outcome(JobStatus.FAILED if attempt.is_last else JobStatus.RETRYING, error=error)


def _storable(outcome: _Outcome) -> _Outcome:
    """Return what can be said of an outcome that cannot be stored. A job that did its work is not tried again for that."""
    if outcome.error is None:
        error = JobError(code=RESULT_INVALID, message="It is done, but its result cannot be stored.")
        return _Outcome(JobStatus.FAILED, error=error)
    error = JobError(code=_plain(outcome.error.code), message=_plain(outcome.error.message))
    return _Outcome(outcome.name, error=error)


def _plain(words: str) -> str:
    """Replace what neither UTF-8 (lone surrogates) nor jsonb (U+0000) has a place for."""
    return words.encode("utf-8", errors="replace").decode().replace("\0", "?")


def _timeout_message(work: Work) -> str:
    return f"It took longer than {work.policy.timeout_seconds:g} s."
