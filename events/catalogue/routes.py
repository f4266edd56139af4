"""HTTP routes of the catalogue. All are internal: the orchestrator composes the public answers."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Instant, PlainText
from common.http.auth import require_service
from common.http.calls import RepeatableCall, UndoCall
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, PageQuery, Paginated, Success, paginated, refusals, success
from events.catalogue.schemas import (
    DiscardedDraft,
    DraftEvent,
    EditedEvent,
    EditEvent,
    Event,
    EventDetail,
    EventSearch,
    LookUpEvents,
)
from events.catalogue.service import CatalogueService
from events.catalogue.status import EventMove, EventStatus

__all__ = ["internal"]

Catalogue = Annotated[CatalogueService, provided(CatalogueService)]

_MOVE_REFUSALS: Final = {400: BAD_INPUT, 409: "EVENT_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}

internal: Final = APIRouter(
    prefix="/internal/events", tags=["Internal: events"], dependencies=[Depends(require_service)]
)


def _search(
    text: Annotated[PlainText | None, Query(alias="q", max_length=200, description="Part of the name.")] = None,
    earliest: Annotated[Instant | None, Query(alias="from", description="Not before this moment.")] = None,
    before: Annotated[Instant | None, Query(alias="to", description="Before this moment.")] = None,
    *,
    includes_past: Annotated[bool, Query(alias="past", description="Include events that have ended.")] = False,
    statuses: Annotated[list[EventStatus] | None, Query(alias="status", description="PUBLISHED if omitted.")] = None,
    organiser_user_id: uuid.UUID | None = None,
) -> EventSearch:
    return EventSearch(
        text=text,
        earliest=earliest,
        before=before,
        includes_past=includes_past,
        statuses=tuple(statuses or (EventStatus.PUBLISHED,)),
        organiser_user_id=organiser_user_id,
    )


@internal.get("", responses=refusals({400: "VALIDATION_ERROR"}))
async def search_events(
    search: Annotated[EventSearch, Depends(_search)], page: PageQuery, catalogue: Catalogue
) -> Paginated[Event]:
    """By date. Without `past`, only events that have not ended."""
    return paginated(await catalogue.search(search, limit=page.per_page, offset=page.offset), page)


@internal.post(
    "",
    responses=refusals(
        {**_MOVE_REFUSALS, 404: "NOT_FOUND", 409: "EVENT_CONFLICT, EVENT_INVALID_STATE, REQUEST_UNDONE"}
    ),
)
async def draft_event(draft: DraftEvent, catalogue: Catalogue) -> Success[Event]:
    return success(await catalogue.draft(draft))


@internal.post("/lookup", responses=refusals({400: BAD_INPUT}))
async def look_up_events(wanted: LookUpEvents, catalogue: Catalogue) -> Success[list[Event]]:
    """The events that exist, of any status, in the order of the request."""
    return success(await catalogue.look_up(wanted))


@internal.get("/{event_id}", responses=refusals({400: "INVALID_UUID", 404: "EVENT_NOT_FOUND"}))
async def find_event(event_id: uuid.UUID, catalogue: Catalogue) -> Success[EventDetail]:
    """Of any status."""
    return success(await catalogue.find(event_id))


@internal.post("/{event_id}/publish", responses=refusals({**_MOVE_REFUSALS, 404: "EVENT_NOT_FOUND"}))
async def publish_event(event_id: uuid.UUID, call: RepeatableCall, catalogue: Catalogue) -> Success[Event]:
    return success(await catalogue.move(event_id, EventMove.PUBLISH, call))


@internal.post(
    "/{event_id}/edit",
    responses=refusals({**_MOVE_REFUSALS, 404: "EVENT_NOT_FOUND", 409: "EVENT_CONFLICT, EVENT_INVALID_STATE"}),
)
async def edit_event(event_id: uuid.UUID, edit: EditEvent, catalogue: Catalogue) -> Success[EditedEvent]:
    return success(await catalogue.edit(event_id, edit))


@internal.post("/{event_id}/cancel", responses=refusals({**_MOVE_REFUSALS, 404: "EVENT_NOT_FOUND"}))
async def cancel_event(event_id: uuid.UUID, call: RepeatableCall, catalogue: Catalogue) -> Success[Event]:
    """Cancel for good; an event that is already cancelled is refused."""
    return success(await catalogue.move(event_id, EventMove.CANCEL, call))


@internal.post("/{event_id}/discard", responses=refusals(_MOVE_REFUSALS))
async def discard_draft(event_id: uuid.UUID, undo: UndoCall, catalogue: Catalogue) -> Success[DiscardedDraft]:
    """The undo of a draft, which may never have arrived."""
    return success(await catalogue.discard(event_id, undo))
