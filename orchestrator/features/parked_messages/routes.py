"""Parked messages, for admins."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from common.fields import PlainText
from common.http.auth import ADMIN_ONLY, CurrentUser
from common.http.dependencies import provided
from common.http.envelope import CursorPageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.parked_messages.models.records import ParkedStatus
from orchestrator.features.parked_messages.schemas import ParkedMessage
from orchestrator.features.parked_messages.service import ParkedMessageService
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

_SETTLE = ADMIN | {404: "NOT_FOUND", 409: "PARKED_INVALID_STATE"}

router = APIRouter(prefix="/admin/parked-messages", tags=["Admin"], dependencies=[ADMIN_ONLY])


Messages = Annotated[ParkedMessageService, provided(ParkedMessageService)]


@router.get("", responses=refusals(ADMIN), summary="List parked messages, newest first (admin)")
async def list_parked_messages(
    messages: Messages,
    page: CursorPageQuery,
    *,
    status: ParkedStatus | None = None,
    queue: Annotated[PlainText | None, Query(description="Only messages from this queue.")] = None,
) -> Paginated[ParkedMessage]:
    """`parked` messages wait for an admin; replayed and discarded ones are kept for 30 days."""
    found = await messages.page(status=status, queue=queue, page=page)
    return paginated(found, page)


@router.post("/{parked_id}/replay", responses=refusals(_SETTLE), summary="Replay a parked message (admin)")
async def replay_parked_message(
    parked_id: uuid.UUID, admin: CurrentUser, messages: Messages, audit: Audit
) -> Success[ParkedMessage]:
    """Send the message to the queue that it came from. If its handling fails again, it is parked again."""
    async with audit.record("parked_message.replay", "parked_message", parked_id) as change:
        parked = await messages.replay(parked_id, admin_id=admin.user_id)
        change.before, change.after = {"status": ParkedStatus.PARKED}, {"status": parked.status, "queue": parked.queue}
    return success(parked)


@router.post("/{parked_id}/discard", responses=refusals(_SETTLE), summary="Discard a parked message (admin)")
async def discard_parked_message(
    parked_id: uuid.UUID, admin: CurrentUser, messages: Messages, audit: Audit
) -> Success[ParkedMessage]:
    async with audit.record("parked_message.discard", "parked_message", parked_id) as change:
        parked = await messages.discard(parked_id, admin_id=admin.user_id)
        change.before, change.after = {"status": ParkedStatus.PARKED}, {"status": parked.status, "queue": parked.queue}
    return success(parked)
