"""Cancelled events (T7)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from orchestrator.features.event_cancellation.schemas import EventCancellation
from orchestrator.features.event_cancellation.service import EventCancellationService
from orchestrator.http.audit import Audit
from orchestrator.http.event_access import EventManager
from orchestrator.http.refusals import ADMIN
from orchestrator.saga_engine.record import SagaState

__all__ = ["router"]

_PROGRESS = refusals(ADMIN | {404: "EVENT_NOT_FOUND"})
_CANCEL = refusals(ADMIN | {404: "EVENT_NOT_FOUND", 409: "EVENT_INVALID_STATE"}) | {
    202: {"model": Success[EventCancellation]}
}

router = APIRouter(prefix="/admin/events", tags=["Refunds"])

Cancellations = Annotated[EventCancellationService, provided(EventCancellationService)]


@router.post("/{event_id}/cancel", responses=_CANCEL, summary="Cancel an event")
async def cancel_event(
    *, event_id: uuid.UUID, manager: EventManager, cancellations: Cancellations, audit: Audit, response: Response
) -> Success[EventCancellation]:
    """By an admin or its organiser. Every order is refunded; every transfer, sale and listing ends. 202 until it completes: repeat it for the progress."""
    async with audit.record("event.cancel", "event", event_id) as change:
        status, progress = await cancellations.cancel(event_id, cancelled_by=manager.user_id)
        change.before = {"status": status}
        change.after = {"saga_id": progress.saga_id, "state": progress.state}
    if progress.state != SagaState.COMPLETED:
        response.status_code = 202
    return success(progress)


@router.get("/{event_id}/cancellation", responses=_PROGRESS, summary="Show the progress of a cancellation")
async def show_cancellation(
    event_id: uuid.UUID, _: EventManager, cancellations: Cancellations
) -> Success[EventCancellation]:
    return success(await cancellations.progress(event_id))
