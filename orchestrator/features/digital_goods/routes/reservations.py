"""Reservations at the supplier, for admins (F6)."""

from typing import Annotated

from fastapi import APIRouter

from common.http.auth import ADMIN_ONLY
from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, paginated, refusals
from orchestrator.features.digital_goods.schemas.reservations import ReservationView
from orchestrator.features.digital_goods.service.reservations import ReservationService
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

router = APIRouter(prefix="/admin/reservations", tags=["Admin"], dependencies=[ADMIN_ONLY])

Reservations = Annotated[ReservationService, provided(ReservationService)]


@router.get("", responses=refusals(ADMIN), summary="List reservations at the supplier, newest first (admin)")
async def list_reservations(reservations: Reservations, page: PageQuery) -> Paginated[ReservationView]:
    """`status` is what the supplier says now: `unknown` if it does not respond in time."""
    return paginated(await reservations.page(page), page)
