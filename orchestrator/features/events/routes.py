"""Browse events (T1), put one on sale (T15)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.auth.principal import Role
from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.events.schemas import (
    Availability,
    EventCreated,
    EventDetail,
    EventInProgress,
    EventSummary,
    NewEvent,
)
from orchestrator.features.events.service.catalogue import CatalogueService
from orchestrator.features.events.service.layouts import draft_of
from orchestrator.http.answers import answer_or
from orchestrator.http.audit import Audit
from orchestrator.http.event_access import OrganiserOrAdmin
from orchestrator.http.event_filters import EventFilters
from orchestrator.http.refusals import ADMIN, IDEMPOTENT, UPSTREAM
from orchestrator.saga_engine.idempotency import request_id_of

__all__ = ["router"]

_READ = refusals(UPSTREAM | {400: "INVALID_UUID, VALIDATION_ERROR", 404: "EVENT_NOT_FOUND"})
_CREATE = refusals(ADMIN | IDEMPOTENT | {404: "NOT_FOUND", 409: "EVENT_CONFLICT, REQUEST_IN_PROGRESS"}) | {
    202: {"model": Success[EventInProgress]}
}

router = APIRouter(tags=["Events"])


EventCatalogue = Annotated[CatalogueService, provided(CatalogueService)]


@router.get("/events", responses=refusals(UPSTREAM | {400: "VALIDATION_ERROR"}), summary="Events on sale")
async def list_events(filters: EventFilters, catalogue: EventCatalogue, page: PageQuery) -> Paginated[EventSummary]:
    """By date. An event is listed until it ends, although its sale ends when it begins."""
    return paginated(await catalogue.page(filters | {"page": page.page, "per_page": page.per_page}), page)


@router.get(
    "/events/{event_id}",
    response_model=Success[EventDetail],
    responses=_READ,
    summary="An event with the state of every seat",
)
async def show_event(event_id: uuid.UUID, catalogue: EventCatalogue, *, include_seats: bool = True) -> Response:
    """The seat map of a small hall is always current; that of a large hall may be some seconds old.

    `/ws/events/{event_id}` sends changes of seats.
    """
    return Response(await catalogue.detail(event_id, include_seats=include_seats), media_type="application/json")


@router.get("/events/{event_id}/availability", responses=_READ, summary="Seat counts by category")
async def show_availability(event_id: uuid.UUID, catalogue: EventCatalogue) -> Success[Availability]:
    """At most a second old, and cheap enough to poll."""
    return success(await catalogue.availability(event_id))


@router.post("/admin/events", status_code=201, responses=_CREATE, summary="Put an event on sale")
async def create_event(
    *,
    body: NewEvent,
    user: OrganiserOrAdmin,
    key: IdempotencyKey,
    catalogue: EventCatalogue,
    audit: Audit,
    response: Response,
) -> Success[EventCreated] | Success[EventInProgress]:
    """Creates the event with its hall; fans see it once every seat exists. An organiser's event is its own."""
    saga_id = request_id_of("put on sale", user_id=user.user_id, key=key)
    draft = draft_of(body, organiser_user_id=user.user_id if user.has_role(Role.ORGANISER) else None)

    async def put_on_sale() -> EventCreated:
        asked = body.model_dump(mode="json", include={"venue_id", "hall_id", "event_date", "ends_at"})
        async with audit.record("event.create", "event", saga_id, asked) as change:
            created = await catalogue.put_on_sale(draft, requested_by=user.user_id, saga_id=saga_id)
            change.after = created.model_dump(mode="json")
        return created

    return await answer_or(put_on_sale(), response, lambda saga_id: EventInProgress(event_id=saga_id, saga_id=saga_id))
