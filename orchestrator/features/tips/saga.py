"""The sagas of a tip in the queue.

open item → enqueue job → enqueue item → wait for `perform` → hold credits → **pay performer** → complete item →
activate device.

The job sends the signal. A funded tip holds the credits first, after its item was opened. A tip that is cancelled, declined or
not performed in time unwinds.
"""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.clients import Clients
from orchestrator.features.purchased_items.errors import ItemExpired, ItemInvalidState
from orchestrator.features.purchased_items.models import FUNDED_TIP, PERFORM, QUEUED_TIP
from orchestrator.features.purchased_items.saga.steps import ItemSteps
from orchestrator.features.tips.models import KIND, PerformTip, QueuedTip
from orchestrator.jobs.errors import JobInvalidState, JobNotFound
from orchestrator.jobs.record import JobStatus, JobView
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import Call, Plan, Step, must_finish, pivot, undoable, wait

__all__ = ["queue_request_id_of", "tip_plans"]

# No client waits for a job's response: a ledger that restarts fails no tip.
HOLD_TIMEOUT_SECONDS: Final = 20.0


def queue_request_id_of(item_id: uuid.UUID) -> uuid.UUID:
    """Return the id of a tip's job."""
    return uuid.uuid5(item_id, "queue request")


def tip_plans(clients: Clients, jobs: JobQueue) -> Sequence[Plan[QueuedTip]]:
    """Return the plans of a queued tip and of a funded one, which differ in when they hold the credits."""
    steps = TipSteps(clients, jobs)
    open_item: Step[QueuedTip] = undoable("open item", steps.open_item, steps.end_item)
    hold_now: Step[QueuedTip] = undoable("hold credits", steps.hold_credits, steps.return_credits)
    hold_later: Step[QueuedTip] = undoable(
        "hold credits", steps.hold_credits, steps.return_credits, step_timeout_seconds=HOLD_TIMEOUT_SECONDS
    )
    until_performed: Sequence[Step[QueuedTip]] = (
        undoable("enqueue job", steps.enqueue_job, steps.cancel_job),
        undoable("enqueue item", steps.enqueue_item, steps.leave_to_the_end),
        wait(PERFORM, deadline=lambda tip: tip.expires_at, expired=ItemExpired),
    )
    performance: Sequence[Step[QueuedTip]] = (
        pivot("pay performer", steps.pay_performer),
        must_finish("complete item", steps.complete_item),
        must_finish("activate device", steps.activate_device),
    )
    return (
        Plan(QUEUED_TIP, QueuedTip, open_item, *until_performed, hold_later, *performance),
        Plan(FUNDED_TIP, QueuedTip, open_item, hold_now, *until_performed, *performance),
    )


@dataclass(frozen=True, slots=True)
class TipSteps(ItemSteps):
    """The steps of its job; the others are those of every item."""

    async def enqueue_job(self, tip: QueuedTip, _: Call) -> QueuedTip:
        """Enqueue the job, before the item becomes visible.

        Raises:
            ItemInvalidState: it was cancelled.
        """
        job = await self._enqueue(tip, run_at=tip.item.scheduled_for)
        if job.status is JobStatus.CANCELLED:
            raise ItemInvalidState
        return tip

    async def cancel_job(self, tip: QueuedTip, _: Call) -> None:
        """Cancel the job, or enqueue it for that, so that the action finds it cancelled if it arrives later.

        A job whose attempt has begun finds that its tip does not wait.
        """
        job = await self._enqueue(tip, run_at=tip.expires_at)
        with suppress(JobInvalidState, JobNotFound):
            await self.jobs.cancel(job.job_id)

    async def _enqueue(self, tip: QueuedTip, *, run_at: datetime | None) -> JobView:
        payload = PerformTip(
            purchased_item_id=tip.saga_id,
            performer_id=tip.item.performer_id,
            user_id=tip.item.buyer_user_id,
            tip_menu_id=tip.item.menu_id,
            tip_grid_item_id=tip.item.offer_id,
        )
        return await self.jobs.enqueue(
            KIND,
            payload,
            idempotency_key=tip.job_key,
            lane=str(tip.item.performer_id),
            run_at=run_at,
            job_id=queue_request_id_of(tip.saga_id),
        )
