"""The job that writes the text of an order, and the end of orders whose job has ended without a text."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from textwrap import shorten
from typing import Any, Final

from pydantic import BaseModel

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients import Clients
from orchestrator.clients.orders.commissions import CommissionFacts, CommissionsClient, CommissionStatus
from orchestrator.errors import EventCancelled, OrderInvalidState, OrderNotFound
from orchestrator.features.commissions.errors import (
    CommissionFailed,
    TextLimited,
    TextRefused,
    TextUnavailable,
    TextUnusable,
)
from orchestrator.features.commissions.metrics import (
    COMMISSION_READY_SECONDS,
    COMMISSION_TEXTS,
    COMMISSIONS_OLDEST_WAITING,
    FAILED,
    TEXT_FAILURES,
    WRITTEN,
)
from orchestrator.features.commissions.models import KIND, PROGRESS, WriteText, job_id_of
from orchestrator.features.commissions.repository import WritingJobStore
from orchestrator.features.commissions.service.writing import Step, TextWriter
from orchestrator.jobs.errors import JobPostponed, JobRefused, JobTakenOver
from orchestrator.jobs.policies import TWO_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import Call

__all__ = ["POLICY", "FailedTextTask", "OrderFailure", "TextWritten", "WritingJobHandler"]

# The messages of the order tell of its end: `job.completed` would tell it twice. The provider's timeout times the texts of
# one attempt, and their checks, is less than this one.
POLICY: Final = JobPolicy(
    KIND,
    max_attempts=3,
    retry_seconds=TWO_RETRIES,
    timeout_seconds=300,
    concurrency=2,
    publishes_completion=False,
)
# While the provider is busy, the job is postponed; after an hour that counts as a failure.
LIMITED_SINCE: Final = "limited_since"
LIMITED_PAUSE_SECONDS: Final = 30.0
LIMITED_TIME: Final = timedelta(hours=1)
HAS_TEXT: Final = frozenset({CommissionStatus.QUALITY_CHECK, CommissionStatus.ADMIN_REVIEW, CommissionStatus.PUBLISHING,
                             CommissionStatus.COMPLETED})  # fmt: skip
# No further attempt helps.
FINAL: Final = (TextRefused, EventCancelled)
REASONS: Final = ((TextLimited, "limited"), (TextUnusable, "unusable"), (TextUnavailable, "unavailable"),
                  (TextRefused, "refused"))  # fmt: skip
BATCH: Final = 100
LONGEST_REASON: Final = 1_000

logger = get_logger(__name__)


class TextWritten(BaseModel):
    """The result of a job. `number` is the version's."""

    order_id: uuid.UUID
    number: int


@dataclass(frozen=True, slots=True)
class OrderFailure:
    """Makes orders FAILED, and tells their customers in plain words what went wrong."""

    commissions: CommissionsClient

    async def record(self, order_id: uuid.UUID, call: Call, *, round_number: int, error: ServiceError) -> None:
        """Make an order FAILED, unless it is not written in this round any more."""
        try:
            await self.commissions.fail(
                call, order_id, round_number=round_number, code=error.code, message=error.public_message
            )
        except ServiceError as refusal:
            if refusal.code != OrderInvalidState.code:
                raise
            return
        COMMISSION_TEXTS.labels(FAILED).inc()
        logger.warning("commission.failed", order_id=str(order_id), code=error.code)


@dataclass(frozen=True, slots=True)
class WritingJobHandler:
    clients: Clients
    jobs: JobQueue
    writer: TextWriter
    failure: OrderFailure

    async def write(self, work: WriteText, context: JobContext) -> TextWritten:
        """Write a text and store it as the order's next version.

        Raises:
            JobPostponed: the provider is busy.
            JobRefused: the order has ended or moved on, or no further attempt can help.
            ServiceError: another attempt may succeed. After the last one, the order has failed.
        """
        limited_since = await self._limited_since(context)
        try:
            return await self._write(work, context)
        except JobTakenOver:
            raise
        except ServiceError as error:
            TEXT_FAILURES.labels(_reason_of(error)).inc()
            if isinstance(error, TextLimited):
                await self._postpone(error, limited_since, context)
            await self._fail(error, work, context)
            raise

    async def _write(self, work: WriteText, context: JobContext) -> TextWritten:
        async def report(step: Step) -> None:
            await context.report(progress_of(step))

        await report(Step.RECEIVED)
        try:
            order = await self.clients.commissions.resume(work.order_id, round_number=work.round)
        except ServiceError as error:
            return await self._written_before(work, error)
        version = await self.writer.write(order, report)
        await report(Step.STORING)
        # The order takes one text per round. A stored refusal of an earlier attempt does not answer for this one.
        call = Call(context.request_id(f"store {context.attempt}"))
        try:
            number = await self.clients.commissions.add_version(
                call, work.order_id, round_number=work.round, version=version
            )
        except ServiceError as error:
            return await self._written_before(work, error)
        _count(order)
        await report(Step.READY)
        return TextWritten(order_id=work.order_id, number=number)

    async def _written_before(self, work: WriteText, error: ServiceError) -> TextWritten:
        """Return the version that an earlier attempt stored, whose worker crashed before it said so."""
        if error.code == OrderInvalidState.code:
            order = await self.clients.commissions.find(work.order_id)
            if order.version is not None and order.status in HAS_TEXT and order.round == work.round:
                return TextWritten(order_id=work.order_id, number=order.version.number)
        elif error.code != OrderNotFound.code:
            raise error
        raise JobRefused(error.public_message, code=error.code) from error

    async def _limited_since(self, context: JobContext) -> datetime | None:
        """Return since when the provider has been busy, as the attempt before reported; None if that was before a retry by an admin."""
        progress = (await self.jobs.find(context.job_id)).progress or {}
        since = datetime.fromisoformat(progress[LIMITED_SINCE]) if LIMITED_SINCE in progress else None
        return since if since and datetime.now(UTC) - since < 2 * LIMITED_TIME else None

    async def _postpone(self, error: TextLimited, since: datetime | None, context: JobContext) -> None:
        """Postpone the job for as long as the provider asks, at most until it has been busy for too long."""
        now = datetime.now(UTC)
        since = since or now
        await context.report(progress_of(Step.WRITING) | {LIMITED_SINCE: since.isoformat()})
        rest = (since + LIMITED_TIME - now).total_seconds()
        if rest < 0:
            return
        pause_seconds = min(LIMITED_PAUSE_SECONDS if error.pause_seconds is None else error.pause_seconds, rest)
        raise JobPostponed(pause_seconds=max(1.0, pause_seconds)) from error

    async def _fail(self, error: ServiceError, work: WriteText, context: JobContext) -> None:
        """Record that the order has failed, if no attempt is left or none can help."""
        if not (context.is_last_attempt or isinstance(error, FINAL)):
            return
        call = Call(context.request_id(f"fail {context.attempt}"))
        await self.failure.record(work.order_id, call, round_number=work.round, error=error)
        if isinstance(error, FINAL):
            raise JobRefused(_why(error), code=error.code) from error


@dataclass(frozen=True, slots=True)
class FailedTextTask:
    """Fails orders whose job has ended without a text, or was deleted since. Several workers may run it at once.

    Args:
        grace: younger orders are left alone.
    """

    clients: Clients
    store: WritingJobStore
    failure: OrderFailure
    grace: timedelta

    async def fail_all(self) -> None:
        """Fail them batch by batch. An order whose job waits or runs is left alone."""
        before = datetime.now(UTC) - self.grace
        after: uuid.UUID | None = None
        while orders := await self.clients.commissions.stalled(
            CommissionStatus.PROCESSING, before=before, after=after, limit=BATCH
        ):
            await self._fail({job_id_of(order.order_id, round_number=order.round): order for order in orders})
            after = orders[-1].order_id

    async def _fail(self, orders: Mapping[uuid.UUID, CommissionFacts]) -> None:
        for job_id, error in (await self.store.ended(orders)).items():
            order = orders[job_id]
            reason = CommissionFailed(code=error.code if error else None)
            call = Call(uuid.uuid4())  # a new id: the same round may fail again after an admin retried its job
            try:
                await self.failure.record(order.order_id, call, round_number=order.round, error=reason)
            except ServiceError as refusal:
                logger.warning("failed_texts.refused", order_id=str(order.order_id), code=refusal.code)

    async def measure(self) -> None:
        COMMISSIONS_OLDEST_WAITING.set(await self.store.oldest_waiting_seconds())


def progress_of(step: Step) -> dict[str, Any]:
    return {"step": step, "total": len(PROGRESS), "description": PROGRESS[step - 1]}


def _count(order: CommissionFacts) -> None:
    COMMISSION_TEXTS.labels(WRITTEN).inc()
    if not order.versions and order.paid_at is not None:
        COMMISSION_READY_SECONDS.observe((datetime.now(UTC) - order.paid_at).total_seconds())


def _why(error: ServiceError) -> str:
    """Return what admins read of a job that no further attempt can help, with what the checks found."""
    findings = error.findings if isinstance(error, TextRefused) else ()
    return shorten(" ".join([error.public_message, *findings]), LONGEST_REASON, placeholder=" …")


def _reason_of(error: ServiceError) -> str:
    return next((reason for kind, reason in REASONS if isinstance(error, kind)), "other")
