"""Sales, entries, attendees and blocked seats, for admins and the event's organiser (T15)."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from common.http.auth import AdminUser
from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, Success, paginated, pagination_of, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.event_admin.schemas import DashboardPage, ScanView, SeatsChanged, SeatSelection
from orchestrator.features.event_admin.service import EventAdminService
from orchestrator.http.audit import Audit
from orchestrator.http.event_access import EventManager
from orchestrator.http.refusals import ADMIN, IDEMPOTENT
from orchestrator.saga_engine.idempotency import request_id_of

__all__ = ["router"]

_READ = refusals(ADMIN | {404: "EVENT_NOT_FOUND"})
_CHANGE = refusals(
    ADMIN
    | IDEMPOTENT
    | {
        404: "EVENT_NOT_FOUND, SEAT_NOT_FOUND",
        409: "SEAT_UNAVAILABLE, SEAT_ALREADY_SOLD, REQUEST_IN_PROGRESS",
    }
)
CSV: Final = "text/csv"

router = APIRouter(prefix="/admin", tags=["Admin"])


EventAdmin = Annotated[EventAdminService, provided(EventAdminService)]


@router.get("/events/{event_id}/dashboard", responses=_READ, summary="An event's sales, entries and attendees")
async def show_dashboard(event_id: uuid.UUID, _: EventManager, service: EventAdmin, page: PageQuery) -> DashboardPage:
    """Attendees come in hall order."""
    dashboard, total = await service.dashboard(event_id, page)
    return DashboardPage(data=dashboard, pagination=pagination_of(page, total))


@router.get(
    "/events/{event_id}/export.csv",
    response_class=StreamingResponse,
    responses=_READ | {200: {"content": {CSV: {"schema": {"type": "string"}}}}},
    summary="An event's attendees as CSV",
)
async def export_attendees(event_id: uuid.UUID, _: EventManager, service: EventAdmin) -> StreamingResponse:
    """In hall order, in UTF-8 with a byte order mark. Times are the venue's, with their offset. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    headers = {
        "Content-Disposition": f'attachment; filename="attendees-{event_id}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(await service.export(event_id), media_type=CSV, headers=headers)


@router.get("/events/{event_id}/scans", responses=_READ, summary="An event's scans, newest first")
async def list_scans(event_id: uuid.UUID, _: EventManager, service: EventAdmin, page: PageQuery) -> Paginated[ScanView]:
    return paginated(await service.scans(event_id, page), page)


@router.get("/scans", responses=refusals(ADMIN), summary="Scans without an event, newest first")
async def list_stray_scans(_: AdminUser, service: EventAdmin, page: PageQuery) -> Paginated[ScanView]:
    """Their codes are not tickets of this platform, were tampered with, or name an unknown event."""
    return paginated(await service.stray_scans(page), page)


@router.post("/events/{event_id}/seats/block", responses=_CHANGE, summary="Block available seats")
async def block_seats(
    *,
    event_id: uuid.UUID,
    body: SeatSelection,
    manager: EventManager,
    key: IdempotencyKey,
    service: EventAdmin,
    audit: Audit,
) -> Success[SeatsChanged]:
    """All or none."""
    request_id = request_id_of(f"block seats/{event_id}", user_id=manager.user_id, key=key)
    async with audit.record(
        "seats.block", "event", event_id, body.model_dump(mode="json", exclude_none=True)
    ) as change:
        changed = await service.block(event_id, body.chosen, request_id=request_id)
        change.before, change.after = {"status": "AVAILABLE"}, {"status": "BLOCKED", "seats_changed": changed}
    return success(SeatsChanged(seats_changed=changed))


@router.post("/events/{event_id}/seats/unblock", responses=_CHANGE, summary="Unblock seats")
async def unblock_seats(
    *,
    event_id: uuid.UUID,
    body: SeatSelection,
    manager: EventManager,
    key: IdempotencyKey,
    service: EventAdmin,
    audit: Audit,
) -> Success[SeatsChanged]:
    """All or none."""
    request_id = request_id_of(f"unblock seats/{event_id}", user_id=manager.user_id, key=key)
    async with audit.record(
        "seats.unblock", "event", event_id, body.model_dump(mode="json", exclude_none=True)
    ) as change:
        changed = await service.unblock(event_id, body.chosen, request_id=request_id)
        change.before, change.after = {"status": "BLOCKED"}, {"status": "AVAILABLE", "seats_changed": changed}
    return success(SeatsChanged(seats_changed=changed))
