"""My tickets (T14) and their codes (T11)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from common.http.auth import CurrentUser
from common.http.envelope import PageQuery, Paginated, Success, paginated, success
from orchestrator.schemas.tickets import QrView, TicketView
from orchestrator.service.tickets import TicketWallet

__all__ = ["router"]

router = APIRouter(tags=["tickets"])


def _ticket_wallet(request: Request) -> TicketWallet:
    wallet: TicketWallet = request.app.state.ticket_wallet
    return wallet


Tickets = Annotated[TicketWallet, Depends(_ticket_wallet)]


@router.get("/tickets", summary="My tickets")
async def list_tickets(user: CurrentUser, page: PageQuery, tickets: Tickets) -> Paginated[TicketView]:
    """Newest first."""
    mine, total = await tickets.page(user_id=user.user_id, page=page)
    return paginated(mine, page=page, total=total)


@router.get("/tickets/{seat_id}/qr", summary="A fresh code for the door")
async def show_qr(seat_id: uuid.UUID, user: CurrentUser, tickets: Tickets) -> Success[QrView]:
    """Errors: SEAT_NOT_FOUND, NOT_SEAT_OWNER."""
    return success(await tickets.qr(user_id=user.user_id, seat_id=seat_id))
