"""The audit trail, for admins."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from common.fields import Instant, PlainText
from common.http.auth import ADMIN_ONLY
from common.http.dependencies import provided
from common.http.envelope import CursorPageQuery, Paginated, paginated, refusals
from orchestrator.audit.models import AuditEntry
from orchestrator.audit.service import AuditTrail
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

Text = Annotated[PlainText | None, Query(max_length=100)]
Time = Annotated[Instant | None, Query(description="RFC 3339.")]

router = APIRouter(prefix="/admin/audit", tags=["Admin"], dependencies=[ADMIN_ONLY])


@router.get("", responses=refusals(ADMIN), summary="List the audit trail, newest first (admin)")
async def list_audit_entries(
    trail: Annotated[AuditTrail, provided(AuditTrail)],
    page: CursorPageQuery,
    *,
    actor: Annotated[uuid.UUID | None, Query(description="Only actions of this user.")] = None,
    object_: Annotated[Text, Query(alias="object", description="Only actions on the object with this id.")] = None,
    action: Annotated[Text, Query(description="Only actions of this name.", examples=["order.refund"])] = None,
    from_: Annotated[Time, Query(alias="from")] = None,
    to: Time = None,
) -> Paginated[AuditEntry]:
    """What admins and staff changed: who, when, from which network address, with the values before and after.

    `from` is included, `to` is not. Entries are kept for five years.
    """
    wanted = {"actor_user_id": actor, "object_id": object_, "action": action}
    equal = {name: value for name, value in wanted.items() if value is not None}
    found = await trail.page(equal=equal, since=from_, until=to, page=page)
    return paginated(found, page)
