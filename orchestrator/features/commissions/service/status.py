"""What customers and admins see of an order: its status, its texts, and how the work goes on."""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from common.auth.principal import Principal
from orchestrator.clients.orders.commissions import CommissionFacts, CommissionsClient, CommissionStatus
from orchestrator.errors import NotYours
from orchestrator.features.commissions.models import KIND, PROGRESS, job_id_of
from orchestrator.features.commissions.repository import Outlook, WritingJob, WritingJobStore
from orchestrator.features.commissions.schemas.status import (
    CommissionFailure,
    CommissionStats,
    CommissionView,
    OrderDetails,
    Progress,
    QueueInfo,
    Version,
    VersionSummary,
    WritingJobView,
)
from orchestrator.jobs.record import JobStatus
from orchestrator.jobs.service import JobQueue

__all__ = ["UNKNOWN_TIME", "CommissionStatusService", "estimated_time", "view_of"]

MESSAGES: Final[Mapping[CommissionStatus, str]] = {
    CommissionStatus.AWAITING_PAYMENT: "The order waits for its payment.",
    CommissionStatus.PROCESSING: "The text is being written.",
    CommissionStatus.QUALITY_CHECK: "The text is ready. Read it, ask for a revision, or submit it for review.",
    CommissionStatus.ADMIN_REVIEW: "The text is submitted. An admin reviews it.",
    CommissionStatus.COMPLETED: "The text is published.",
    CommissionStatus.FAILED: "The text could not be written yet. Your payment is safe in escrow: we try again, or return it.",
    CommissionStatus.REFUNDED: "The order ended, and its price was returned.",
    CommissionStatus.CANCELLED: "The order has ended before its text was written.",
}
UNPAID: Final = frozenset({CommissionStatus.AWAITING_PAYMENT, CommissionStatus.CANCELLED})
READABLE: Final = frozenset({CommissionStatus.QUALITY_CHECK, CommissionStatus.ADMIN_REVIEW, CommissionStatus.COMPLETED})
UNSUCCESSFUL: Final = frozenset({CommissionStatus.FAILED, CommissionStatus.REFUNDED, CommissionStatus.CANCELLED})
SHOWN_JOBS: Final = 5
UNKNOWN_TIME: Final = "10-30 minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionStatusService:
    """Reads orders from the orders service, and their jobs. One worker writes `slots` texts at once."""

    commissions: CommissionsClient
    store: WritingJobStore
    jobs: JobQueue
    slots: int

    async def show(self, order_id: uuid.UUID, user: Principal) -> CommissionView:
        """Return an order to its customer, or to an admin.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another customer's order.
        """
        return await self._view(await self.commissions.find(order_id), user)

    async def find_by_checkout(self, session_id: str, user: Principal) -> CommissionView:
        """Return the order of a checkout session, as `show` does."""
        return await self._view(await self.commissions.find_by_checkout(session_id), user)

    async def estimated_time(self, job_id: uuid.UUID) -> str:
        """Return how long a job will take, from the durations of the last 24 hours, such as 2-5 minutes."""
        return estimated_time(await self.store.outlook(job_id), slots=self.slots)

    async def stats(self) -> CommissionStats:
        [jobs] = [kind for kind in await self.jobs.stats() if kind.kind == KIND]
        return CommissionStats.model_validate(await self.commissions.stats() | {"jobs": jobs})

    async def _view(self, order: CommissionFacts, user: Principal) -> CommissionView:
        if not user.may_act_for(order.customer_user_id):
            raise NotYours
        job_ids = [job_id_of(order.order_id, round_number=order.round - back) for back in range(SHOWN_JOBS)]
        found = await self.store.find(job_ids)
        is_written = order.status is CommissionStatus.PROCESSING
        return view_of(
            order,
            [found[job_id] for job_id in job_ids if job_id in found],
            estimated=await self.estimated_time(job_ids[0]) if is_written else None,
        )


def view_of(order: CommissionFacts, jobs: list[WritingJob], *, estimated: str | None) -> CommissionView:
    """Return an order as its customer sees it. `jobs` are its latest, newest first."""
    status = CommissionStatus.ADMIN_REVIEW if order.status is CommissionStatus.PUBLISHING else order.status
    is_ready = status is CommissionStatus.QUALITY_CHECK
    return CommissionView(
        order_id=order.order_id,
        status=status.value,
        status_message=MESSAGES[status],
        order_details=OrderDetails.model_validate(order),
        checkout_url=order.checkout_url if status is CommissionStatus.AWAITING_PAYMENT else None,
        progress=_progress_of(status, jobs[0] if jobs else None),
        version=Version.model_validate(order.version) if order.version else None,
        versions=[VersionSummary.model_validate(version) for version in order.versions],
        queue=QueueInfo(
            has_active_job=any(job.is_active for job in jobs),
            has_failed_job=bool(jobs) and jobs[0].status is JobStatus.FAILED,
            jobs=[WritingJobView.model_validate(job) for job in jobs],
        ),
        estimated_time=estimated,
        can_request_revision=is_ready,
        can_submit_for_review=is_ready,
        review_notes=order.review_notes,
        failure=_failure_of(order),
        slug=order.slug,
        article_url=f"/api/articles/{order.slug}" if order.slug else None,
    )


def estimated_time(outlook: Outlook, *, slots: int) -> str:
    """Return a range of minutes: from the median to the 95th percentile, for each turn until the job's own.

    Args:
        slots: the least number of jobs that run at once; as many as run, if those are more.
    """
    if outlook.median is None or outlook.p95 is None:
        return UNKNOWN_TIME
    turns = outlook.before // max(slots, outlook.running) + 1
    least = max(1, math.floor(outlook.median * turns / 60))
    most = max(least + 1, math.ceil(outlook.p95 * turns / 60))
    return f"{least}-{most} minutes"


def _progress_of(status: CommissionStatus, job: WritingJob | None) -> Progress:
    """Return the step that the newest job reported. A text that can be read has all steps behind it."""
    if status in READABLE:
        return Progress(step=len(PROGRESS), description=PROGRESS[-1])
    if status in UNPAID:
        return Progress(step=0, description=MESSAGES[status])
    reported = Progress.model_validate(job.progress) if job and job.progress else None
    if status is CommissionStatus.PROCESSING:
        return reported or Progress(step=1, description=PROGRESS[0])
    return Progress(step=reported.step if reported else 1, description=MESSAGES[status])


def _failure_of(order: CommissionFacts) -> CommissionFailure | None:
    if order.status not in UNSUCCESSFUL or order.failure_code is None:
        return None
    return CommissionFailure(code=order.failure_code, message=order.failure_message or MESSAGES[order.status])
