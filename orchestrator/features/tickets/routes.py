"""The caller's tickets (T14) and their QR codes (T11)."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.tickets.schemas import QrView, TicketView
from orchestrator.features.tickets.service import TicketService
from orchestrator.http.refusals import COMMON

__all__ = ["router"]

_QR = {403: "NOT_SEAT_OWNER", 404: "SEAT_NOT_FOUND", 409: "SEAT_UNAVAILABLE"}
SVG: Final = "image/svg+xml"
NOT_STORED: Final = {"Cache-Control": "no-store"}  # RFC 9111 §5.2.2.5: a code admits like the ticket

router = APIRouter(tags=["Tickets"])


Tickets = Annotated[TicketService, provided(TicketService)]


@router.get("/tickets", responses=refusals(COMMON), summary="My tickets")
async def list_tickets(user: CurrentUser, page: PageQuery, tickets: Tickets) -> Paginated[TicketView]:
    """Newest first."""
    return paginated(await tickets.page(user_id=user.user_id, page=page), page)


@router.get("/tickets/{seat_id}/qr", responses=refusals(COMMON | _QR), summary="A fresh QR code")
async def show_qr(seat_id: uuid.UUID, user: CurrentUser, tickets: Tickets) -> Success[QrView]:
    """Valid for a minute; for the ticket's owner only."""
    return success(await tickets.qr(user_id=user.user_id, seat_id=seat_id))


@router.get(
    "/tickets/{seat_id}/qr.svg",
    response_class=Response,
    responses=refusals(COMMON | _QR) | {200: {"content": {SVG: {"schema": {"type": "string"}}}}},
    summary="A fresh QR code, as an image",
)
async def show_qr_svg(seat_id: uuid.UUID, user: CurrentUser, tickets: Tickets) -> Response:
    """Valid for a minute, as the payload is; it must not be cached."""
    image = await tickets.qr_svg(user_id=user.user_id, seat_id=seat_id)
    return Response(image, media_type=SVG, headers=NOT_STORED)
