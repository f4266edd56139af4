"""Browse events (T1), put one on sale (T15)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from common.auth.principal import Principal, Role
from common.http.auth import require_role
from common.http.envelope import PageQuery, Paginated, Success, paginated, success
from orchestrator.engine.engine import StillRunning
from orchestrator.routes.idempotency import IdempotencyKey
from orchestrator.schemas.events import Availability, EventCreated, EventDetail, EventSummary, NewEvent
from orchestrator.schemas.purchase import OrderInProgress
from orchestrator.service.catalogue import Catalogue
from orchestrator.service.halls import draft_of

__all__ = ["router"]

router = APIRouter(tags=["events"])

AdminUser = Annotated[Principal, Depends(require_role(Role.ADMIN))]


def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


EventCatalogue = Annotated[Catalogue, Depends(_catalogue)]


@router.get("/events", summary="What is on sale")
async def list_events(
    *,
    catalogue: EventCatalogue,
    page: PageQuery,
    q: Annotated[str | None, Query(max_length=100, description="Part of the event's name.")] = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="Not before (RFC 3339).")] = None,
    to: Annotated[AwareDatetime | None, Query(description="Before (RFC 3339).")] = None,
) -> Paginated[EventSummary]:
    filters = {"q": q, "from": from_ and from_.isoformat(), "to": to and to.isoformat()}
    query = {name: value for name, value in filters.items() if value}
    events, total = await catalogue.page(query | {"page": page.page, "per_page": page.per_page})
    return paginated(events, page=page, total=total)


@router.get("/events/{event_id}", summary="One event, with every seat's live state")
async def show_event(
    event_id: uuid.UUID, catalogue: EventCatalogue, *, include_seats: bool = True
) -> Success[EventDetail]:
    """Errors: EVENT_NOT_FOUND, INVALID_UUID."""
    return success(await catalogue.detail(event_id, include_seats=include_seats))


@router.get("/events/{event_id}/availability", summary="How many seats are left, by category")
async def show_availability(event_id: uuid.UUID, catalogue: EventCatalogue) -> Success[Availability]:
    """At most a second old; cheap enough to poll. Errors: EVENT_NOT_FOUND, INVALID_UUID."""
    return success(await catalogue.availability(event_id))


@router.post("/admin/events", status_code=201, summary="Put an event on sale")
async def create_event(
    *, body: NewEvent, admin: AdminUser, key: IdempotencyKey, catalogue: EventCatalogue, response: Response
) -> Success[EventCreated] | Success[OrderInProgress]:
    """Creates the event with its whole hall; fans see it once every seat is there."""
    saga_id = uuid.uuid5(admin.user_id, f"put on sale/{key}") if key else uuid.uuid4()
    try:
        return success(await catalogue.put_on_sale(draft_of(body), requested_by=admin.user_id, saga_id=saga_id))
    except StillRunning as running:
        response.status_code = 202
        return success(OrderInProgress(order_id=running.saga_id, saga_id=running.saga_id))
