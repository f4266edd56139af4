"""Events for those who manage them (T7, T15)."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.event_editing.schemas import EventChanges, ManagedEvent
from orchestrator.features.event_editing.service import EventEditingService
from orchestrator.http.answers import answer
from orchestrator.http.audit import Audit
from orchestrator.http.event_access import EventManager, OrganiserOrAdmin
from orchestrator.http.event_filters import EventFilters
from orchestrator.http.refusals import ADMIN, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_EDIT = (
    refusals(
        ADMIN
        | IDEMPOTENT
        | {
            404: "EVENT_NOT_FOUND, USER_NOT_FOUND",
            409: "EVENT_INVALID_STATE, EVENT_CONFLICT, REQUEST_IN_PROGRESS",
        }
    )
    | IN_PROGRESS
)

router = APIRouter(prefix="/admin/events", tags=["Admin"])

EventEditing = Annotated[EventEditingService, provided(EventEditingService)]


@router.get("", responses=refusals(ADMIN), summary="Events of every status, for those who manage them")
async def list_managed_events(
    *,
    user: OrganiserOrAdmin,
    editing: EventEditing,
    filters: EventFilters,
    page: PageQuery,
    status: Annotated[
        list[Literal["DRAFT", "PUBLISHED", "CANCELLED"]] | None, Query(description="All if omitted.")
    ] = None,
    organiser_user_id: Annotated[uuid.UUID | None, Query(description="Only this organiser's events.")] = None,
) -> Paginated[ManagedEvent]:
    """By date. An organiser sees its own events only."""
    wanted = filters | {"status": status or ["DRAFT", "PUBLISHED", "CANCELLED"]}
    if organiser_user_id is not None:
        wanted["organiser_user_id"] = str(organiser_user_id)
    return paginated(await editing.page(wanted, user=user, page=page), page)


@router.patch("/{event_id}", responses=_EDIT, summary="Edit or postpone an event")
async def edit_event(
    *,
    event_id: uuid.UUID,
    body: EventChanges,
    manager: EventManager,
    key: IdempotencyKey,
    editing: EventEditing,
    audit: Audit,
    response: Response,
) -> Success[ManagedEvent] | Success[InProgress]:
    """By an admin or its organiser, unless it is cancelled. If `event_date` moves, the hall must be free at the new time.

    The holders of its tickets are then told, and may refund for 14 days, at most until the new date, whatever the deadline.
    The last of two concurrent edits wins, field by field; with `version`, the second is refused (`EVENT_INVALID_STATE`).
    """

    async def edit() -> ManagedEvent:
        async with audit.record("event.edit", "event", event_id, body.changes) as change:
            edited = await editing.edit(event_id, body, caller=manager, key=key)
            change.before, change.after = edited.changed_values
        return ManagedEvent.model_validate(edited)

    return await answer(edit(), response)
