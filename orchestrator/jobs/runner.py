"""Runs one attempt for each wake-up message: claim, handler, record. Renews the leases of running attempts."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError

from common.background import BackgroundTask, report_failure
from common.backoff import backoff
from common.db.engine import sqlstate_of
from common.errors import ServiceError, Unavailable
from common.telemetry.correlation import set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.tracing import SpanKind, continued_span, fail
from orchestrator.jobs import messages
from orchestrator.jobs.errors import (
    HANDLER_CANCELLED,
    INTERNAL_ERROR,
    PAYLOAD_INVALID,
    RESULT_INVALID,
    TIMED_OUT,
    WORKER_LOST,
    JobPostponed,
    JobRefused,
    JobTakenOver,
    JobUnreadable,
)
from orchestrator.jobs.observer import JobMoment, JobObserver
from orchestrator.jobs.record import Attempt, Failure, JobError, JobStatus
from orchestrator.jobs.registry import JobContext, Registry, Work
from orchestrator.jobs.repository.attempts import JobAttempts

__all__ = ["HANDED_BACK", "LOST", "POSTPONED", "JobRunner"]

LOST: Final = "lost"
HANDED_BACK: Final = "handed back"
POSTPONED: Final = "postponed"
LEASES: Final = "job leases"
# How long a cancelled handler may take to end before it is abandoned.
CANCEL_SECONDS: Final = 2.0
FIRST_WAIT_SECONDS: Final = 0.1
LONGEST_WAIT_SECONDS: Final = 2.0
# SQLSTATE classes of statements that PostgreSQL never accepts: invalid data (such as U+0000), or too much of it.
DATA_REFUSED: Final = ("22", "54")

logger = get_logger(__name__)


@dataclass(slots=True)
class _Running:
    attempt: Attempt
    task: asyncio.Task[Any]
    ended_as: str = ""  # LOST or HANDED_BACK, if the runner ended it


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`name` is the job's new status, or Failure.REFUSED, LOST, HANDED_BACK or POSTPONED."""

    name: str
    result: Mapping[str, Any] | None = None
    error: JobError | None = None
    pause_seconds: float = 0.0


@dataclass(slots=True, kw_only=True, eq=False)
class JobRunner:
    """Runs handlers.

    Args:
        broker_pauses: the pauses for which the broker has a queue; the scheduler handles the others.
        wake_relay: called after a write that left messages in the outbox, so that they leave at once.
    """

    attempts: JobAttempts
    registry: Registry
    observer: JobObserver
    broker_pauses: Collection[float]
    wake_relay: Callable[[], None]
    # By job and epoch: a lost job may be claimed again before the attempt that lost it has ended.
    _running: dict[tuple[uuid.UUID, int], _Running] = field(default_factory=dict, init=False)
    _leases: BackgroundTask = field(init=False)

    def __post_init__(self) -> None:
        self._leases = BackgroundTask(self._keep_leases, name=LEASES)

    def start(self) -> None:
        self._leases.start()

    async def close(self) -> None:
        await self._leases.close()

    def hand_back(self) -> None:
        """End the running attempts; their jobs are queued again, and the attempts do not count."""
        for running in self._running.values():
            self._end(running, HANDED_BACK)

    async def work(self, kind: str) -> bool:
        """Run one attempt of the best ready job of a kind; return False if no job is ready.

        Raises:
            Unavailable: the database is unavailable; no attempt has begun.
        """
        await self.observer.moment_reached(JobMoment.BEFORE_CLAIM, kind)
        attempt = await self.attempts.claim(kind)
        if attempt is None:
            return False
        await self.observer.moment_reached(JobMoment.AFTER_CLAIM, kind)
        set_correlation_id(attempt.correlation_id)
        began = perf_counter()
        work = self.registry[kind]
        try:
            with continued_span(f"job {kind}", SpanKind.CONSUMER, attempt.traceparent) as traced:
                outcome = await self._try(work, attempt)
                await self.observer.moment_reached(JobMoment.AFTER_EFFECT, kind)
                outcome = await self._recorded(work, attempt, outcome)
                if outcome.error is not None:
                    fail(traced, outcome.error.code)
        finally:
            self._running.pop((attempt.job_id, attempt.epoch), None)
        self.observer.attempt_ended(attempt, outcome.name, outcome.error, seconds=perf_counter() - began)
        await self.observer.moment_reached(JobMoment.AFTER_WRITE, kind)
        return True

    async def recover_lost(self, *, batch: int) -> int:
        """Record the attempts whose lease has expired; return how many. Such an attempt counts."""
        lost = await self.attempts.take_over_lost(batch=batch)
        error = JobError(code=WORKER_LOST, message="The worker stopped responding during the attempt.")
        for attempt in lost:
            with suppress(JobTakenOver):
                if attempt.is_last:
                    await self._fail(attempt, error)
                else:
                    await self.attempts.end(attempt, JobStatus.RETRYING, error=error)
            logger.warning("job.worker_lost", kind=attempt.kind, job_id=str(attempt.job_id), attempt=attempt.number)
        return len(lost)

    async def _try(self, work: Work, attempt: Attempt) -> _Outcome:
        task = asyncio.create_task(self._call(work, attempt), name=f"job {attempt.job_id}")
        running = self._running[attempt.job_id, attempt.epoch] = _Running(attempt, task)
        try:
            await asyncio.wait({task}, timeout=work.policy.timeout_seconds)
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=CANCEL_SECONDS)
                return _failure(attempt, JobError(code=TIMED_OUT, message=_timeout_message(work)))
        finally:
            task.cancel()
        if task.cancelled():
            error = JobError(code=HANDLER_CANCELLED, message="The handler cancelled itself.")
            return _Outcome(running.ended_as) if running.ended_as else _failure(attempt, error)
        return _outcome_of(attempt, task)

    async def _call(self, work: Work, attempt: Attempt) -> Mapping[str, Any] | None:
        context = JobContext(
            job_id=attempt.job_id,
            attempt=attempt.number,
            max_attempts=attempt.max_attempts,
            requested_by=attempt.requested_by,
            _report=partial(self.attempts.report, attempt),
        )
        try:
            payload = work.payload_model.model_validate(attempt.payload)
        except ValidationError as error:
            raise JobUnreadable(f"{error.error_count()} fields of the payload are invalid") from error
        result = await work.handler(payload, context)
        return result.model_dump(mode="json") if isinstance(result, BaseModel) else result

    async def _recorded(self, work: Work, attempt: Attempt, outcome: _Outcome) -> _Outcome:
        """Record the outcome, even if the database is unavailable for long, unless another worker has taken the job over."""
        if outcome.name == LOST:
            return outcome
        try:
            return await self._stored(work, attempt, outcome)
        except JobTakenOver:
            return _Outcome(LOST)

    async def _stored(self, work: Work, attempt: Attempt, outcome: _Outcome) -> _Outcome:
        """Store the outcome, or what can be stored of it: a job left running would repeat its effect in the next attempt."""
        try:
            await _until_available(lambda: self._write(work, attempt, outcome))
        except (DBAPIError, TypeError, ValueError) as error:
            if isinstance(error, DBAPIError) and not sqlstate_of(error).startswith(DATA_REFUSED):
                raise
            reason = type(error).__name__
            logger.error("job.outcome_not_storable", kind=attempt.kind, job_id=str(attempt.job_id), reason=reason)  # noqa: TRY400 - a traceback would quote it
            storable = _storable(outcome)
            await _until_available(lambda: self._write(work, attempt, storable))
            return storable
        return outcome

    async def _write(self, work: Work, attempt: Attempt, outcome: _Outcome) -> None:
        match outcome.name:
            case JobStatus.COMPLETED:
                is_published = work.policy.publishes_completion or attempt.requested_by is not None
                published = [messages.ended(attempt, JobStatus.COMPLETED)] if is_published else []
                if await self.attempts.end(attempt, JobStatus.COMPLETED, published, result=outcome.result):
                    self.wake_relay()
            case JobStatus.FAILED if outcome.error:
                await self._fail(attempt, outcome.error)
            case Failure.REFUSED if outcome.error:
                await self._fail(attempt, outcome.error, failure=Failure.REFUSED)
            case JobStatus.RETRYING if outcome.error:
                await self._retry(work, attempt, outcome.error)
            case _:
                pause_seconds = outcome.pause_seconds
                await self.attempts.end(attempt, JobStatus.RETRYING, is_unused=True, pause_seconds=pause_seconds)

    async def _fail(self, attempt: Attempt, error: JobError, *, failure: Failure = Failure.DEAD) -> None:
        published = [messages.ended(attempt, JobStatus.FAILED, error)]
        if failure is Failure.DEAD:
            published.append(messages.dead(attempt, error))
        await self.attempts.end(attempt, JobStatus.FAILED, published, failure=failure, error=error)
        self.wake_relay()

    async def _retry(self, work: Work, attempt: Attempt, error: JobError) -> None:
        policy = work.policy
        # A retry by an admin adds `max_attempts` attempts, and the backoff schedule starts again.
        failed_attempts = policy.max_attempts - (attempt.max_attempts - attempt.number)
        pause = policy.pause_after(max(1, failed_attempts))
        wake_up = [messages.wake_up_after(attempt, pause_seconds=pause)] if pause in self.broker_pauses else []
        await self.attempts.end(attempt, JobStatus.RETRYING, wake_up, error=error, pause_seconds=pause)
        self.wake_relay()

    async def _keep_leases(self) -> None:
        """Renew three times per lease, so that one slow database call loses no job."""
        while True:
            await asyncio.sleep(self.attempts.lease_seconds / 3)
            if not self._running:
                continue
            held = dict(self._running)
            try:
                renewed = await self.attempts.renew([running.attempt for running in held.values()])
            except Unavailable as error:
                logger.warning("job.leases_not_renewed", **error.private)
                continue
            except Exception as error:  # noqa: BLE001 - whatever the error, the leases are renewed again
                report_failure(LEASES, error)
                continue
            for key in held.keys() - renewed:
                self._end(held[key], LOST)

    def _end(self, running: _Running, reason: str) -> None:
        if not running.task.done():
            running.ended_as = reason
            running.task.cancel()


async def _until_available(write: Callable[[], Awaitable[None]]) -> None:
    pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
    while True:
        try:
            return await write()
        except Unavailable as error:
            logger.warning("job.database_unavailable", **error.private)
        await asyncio.sleep(next(pauses))


def _outcome_of(attempt: Attempt, task: asyncio.Task[Mapping[str, Any] | None]) -> _Outcome:
    """Return the outcome of a handler that ended by itself."""
    error = task.exception()
    if error is None:
        return _Outcome(JobStatus.COMPLETED, result=task.result())
    return _outcome_of_error(attempt, error)


def _outcome_of_error(attempt: Attempt, error: BaseException) -> _Outcome:
    match error:
        case JobTakenOver():
            return _Outcome(LOST)
        case JobPostponed():
            return _Outcome(POSTPONED, pause_seconds=error.pause_seconds)
        case JobRefused():
            return _Outcome(Failure.REFUSED, error=JobError(code=error.code, message=str(error)))
        case JobUnreadable():
            return _Outcome(JobStatus.FAILED, error=JobError(code=PAYLOAD_INVALID, message=str(error)))
        case ServiceError():
            return _failure(attempt, JobError(code=error.code, message=error.public_message))
        case Exception():
            logger.error("job.handler_failed", kind=attempt.kind, job_id=str(attempt.job_id), exc_info=error)
            # The text of an unexpected error may quote private input, so only the log has it.
            return _failure(attempt, JobError(code=INTERNAL_ERROR, message=type(error).__name__))
        case _:
            raise error  # not a failure of the job: the process must end


def _failure(attempt: Attempt, error: JobError) -> _Outcome:
    return _Outcome(JobStatus.FAILED if attempt.is_last else JobStatus.RETRYING, error=error)


def _storable(outcome: _Outcome) -> _Outcome:
    """Return the part of an outcome that can be stored. A job that did its work is not retried for this."""
    if outcome.error is None:
        error = JobError(code=RESULT_INVALID, message="The job is done, but its result cannot be stored.")
        return _Outcome(JobStatus.FAILED, error=error)
    error = JobError(code=_plain(outcome.error.code), message=_plain(outcome.error.message))
    return _Outcome(outcome.name, error=error)


def _plain(text: str) -> str:
    """Replace what UTF-8 (lone surrogates) and jsonb (U+0000) cannot hold."""
    return text.encode("utf-8", errors="replace").decode().replace("\0", "?")


def _timeout_message(work: Work) -> str:
    return f"The attempt took longer than {work.policy.timeout_seconds:g} s."
