"""Parked messages, for admins."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from common.auth.principal import Role
from common.fields import PlainText
from common.http.auth import CurrentUser, require_role
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.parked_messages.models.records import ParkedStatus
from orchestrator.features.parked_messages.schemas import ParkedMessage
from orchestrator.features.parked_messages.service import ParkedMessageService
from orchestrator.http.dependencies import provided
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

_SETTLE = ADMIN | {404: "NOT_FOUND", 409: "PARKED_INVALID_STATE"}

router = APIRouter(prefix="/admin/parked-messages", tags=["Admin"], dependencies=[Depends(require_role(Role.ADMIN))])


Desk = Annotated[ParkedMessageService, provided(ParkedMessageService)]


@router.get("", responses=refusals(ADMIN), summary="Messages that no consumer could handle, last first (admin)")
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
