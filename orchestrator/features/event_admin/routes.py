"""Sales, entries, attendees and blocked seats, for admins (T15)."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from common.auth.principal import Principal
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.event_admin.schemas import DashboardPage, ScanView, SeatsChanged, SeatSelection
from orchestrator.features.event_admin.service import EventAdminService
from orchestrator.http.dependencies import AdminUser, provided
from orchestrator.http.idempotency import IdempotencyKey
from orchestrator.http.refusals import ADMIN, IDEMPOTENT

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


Desk = Annotated[EventAdminService, provided(EventAdminService)]


@router.get("/events/{event_id}/dashboard", responses=_READ, summary="An event's sales, entries and attendees")
async def show_dashboard(event_id: uuid.UUID, _: AdminUser, desk: Desk, page: PageQuery) -> DashboardPage:
    """Attendees come in hall order."""
    dashboard, total = await desk.dashboard(event_id, page)
    return DashboardPage(data=dashboard, pagination=paginated([], page=page, total=total).pagination)


@router.get(
    "/events/{event_id}/export.csv",
    response_class=StreamingResponse,
    responses=_READ | {200: {"content": {CSV: {"schema": {"type": "string"}}}}},
    summary="An event's attendees as a file",
)
async def export_attendees(event_id: uuid.UUID, _: AdminUser, desk: Desk) -> StreamingResponse:
    """In hall order. A cell that a spreadsheet would compute begins with an apostrophe."""
    headers = {
        "Content-Disposition": f'attachment; filename="attendees-{event_id}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(await desk.export(event_id), media_type=CSV, headers=headers)


@router.get("/events/{event_id}/scans", responses=_READ, summary="An event's scans, newest first")
async def list_scans(event_id: uuid.UUID, _: AdminUser, desk: Desk, page: PageQuery) -> Paginated[ScanView]:
    scans, total = await desk.scans(event_id, page)
    return paginated(scans, page=page, total=total)


@router.get("/scans", responses=refusals(ADMIN), summary="Scans of codes that led to no event, newest first")
async def list_stray_scans(_: AdminUser, desk: Desk, page: PageQuery) -> Paginated[ScanView]:
    """Codes that are not ours, were tampered with, or name an event that is not there."""
    scans, total = await desk.stray_scans(page)
    return paginated(scans, page=page, total=total)


@router.post("/events/{event_id}/seats/block", responses=_CHANGE, summary="Take free seats off sale")
async def block_seats(
    *, event_id: uuid.UUID, body: SeatSelection, admin: AdminUser, key: IdempotencyKey, desk: Desk
) -> Success[SeatsChanged]:
    """All or none."""
    request_id = _request_id(admin, f"block seats/{event_id}/{key}" if key else None)
    return success(SeatsChanged(seats_changed=await desk.block(event_id, body.chosen, request_id=request_id)))


@router.post("/events/{event_id}/seats/unblock", responses=_CHANGE, summary="Put blocked seats back on sale")
async def unblock_seats(
    *, event_id: uuid.UUID, body: SeatSelection, admin: AdminUser, key: IdempotencyKey, desk: Desk
) -> Success[SeatsChanged]:
    """All or none."""
    request_id = _request_id(admin, f"unblock seats/{event_id}/{key}" if key else None)
    return success(SeatsChanged(seats_changed=await desk.unblock(event_id, body.chosen, request_id=request_id)))


def _request_id(admin: Principal, name: str | None) -> uuid.UUID:
    return uuid.uuid5(admin.user_id, name) if name else uuid.uuid4()
