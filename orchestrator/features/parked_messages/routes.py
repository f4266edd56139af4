"""Parked messages, for admins."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from common.auth.principal import Role
from common.fields import PlainText
from common.http.auth import CurrentUser, require_role
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.parked_messages.models.records import ParkedStatus
from orchestrator.features.parked_messages.schemas import ParkedMessage
from orchestrator.features.parked_messages.service import ParkedMessageService

__all__ = ["router"]

_COMMON = {
    400: "VALIDATION_ERROR, INVALID_UUID",
    401: "UNAUTHORIZED, TOKEN_EXPIRED",
    403: "FORBIDDEN",
    503: "SERVICE_UNAVAILABLE",
}
_SETTLE = _COMMON | {404: "NOT_FOUND", 409: "PARKED_INVALID_STATE"}

router = APIRouter(
    prefix="/api/admin/parked-messages", tags=["Admin"], dependencies=[Depends(require_role(Role.ADMIN))]
)


async def _parking_desk(request: Request) -> ParkedMessageService:
    desk: ParkedMessageService = request.app.state.parking_desk
    return desk


Desk = Annotated[ParkedMessageService, Depends(_parking_desk)]


@router.get("", responses=refusals(_COMMON), summary="Messages that no consumer could handle, last first (admin)")
async def list_parked_messages(
    desk: Desk,
    page: PageQuery,
    *,
    status: ParkedStatus | None = None,
    queue: Annotated[PlainText | None, Query(description="Only those taken from this queue.")] = None,
) -> Paginated[ParkedMessage]:
    """`parked` ones wait for somebody; the others are kept for 30 days."""
    found, total = await desk.page(status=status, queue=queue, page=page)
    return paginated(found, page=page, total=total)


@router.post("/{parked_id}/replay", responses=refusals(_SETTLE), summary="Have a parked message handled again (admin)")
async def replay_parked_message(parked_id: uuid.UUID, admin: CurrentUser, desk: Desk) -> Success[ParkedMessage]:
    """By the queue that it was taken from, and no other. If that fails again, it is parked anew."""
    return success(await desk.replay(parked_id, admin_id=admin.user_id))


@router.post("/{parked_id}/discard", responses=refusals(_SETTLE), summary="Discard a parked message (admin)")
async def discard_parked_message(parked_id: uuid.UUID, admin: CurrentUser, desk: Desk) -> Success[ParkedMessage]:
    return success(await desk.discard(parked_id, admin_id=admin.user_id))
