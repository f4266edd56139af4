"""Check-in (T12)."""

from typing import Annotated

from fastapi import APIRouter, Depends

from common.auth.principal import Principal, Role
from common.http.auth import require_role
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.check_in.schemas import ScanDecision, UndoneCheckIn, UndoRequest, VerifyRequest
from orchestrator.features.check_in.service.check_in import CheckInService, PresentedCode
from orchestrator.features.check_in.service.undo import CheckInUndoService
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN, IDEMPOTENT
from orchestrator.saga_engine.idempotency import request_id_of

__all__ = ["router"]

_VERIFY = refusals(ADMIN | IDEMPOTENT | {400: "QR_INVALID, VALIDATION_ERROR"})
_UNDO = refusals(
    ADMIN
    | IDEMPOTENT
    | {404: "SEAT_NOT_FOUND, EVENT_NOT_FOUND", 409: "ORDER_INVALID_STATE, REQUEST_IN_PROGRESS", 410: "EVENT_ENDED"}
)

router = APIRouter(tags=["Check-in"])


Staff = Annotated[Principal, Depends(require_role(Role.STAFF, Role.ADMIN))]


@router.post("/verify", responses=_VERIFY, summary="Scan a ticket's code for check-in")
async def verify(
    *,
    body: VerifyRequest,
    staff: Staff,
    key: IdempotencyKey,
    check_in: Annotated[CheckInService, provided(CheckInService)],
) -> Success[ScanDecision]:
    """Admits each ticket once. Every decided scan returns 200 with its result; staff and admins only.

    After a 503 the result is unknown: repeat the scan with the same `nonce` (or `Idempotency-Key`) to get it.
    """
    code = PresentedCode(
        staff_user_id=staff.user_id,
        qr_payload=body.qr_payload,
        place=body,
        scanned_at=body.scanned_at,
        nonce=body.nonce or key,
    )
    return success(await check_in.verify(code))


@router.post("/verify/undo", responses=_UNDO, summary="Undo an admission")
async def undo(
    *,
    body: UndoRequest,
    staff: Staff,
    key: IdempotencyKey,
    audit: Audit,
    undos: Annotated[CheckInUndoService, provided(CheckInUndoService)],
) -> Success[UndoneCheckIn]:
    """Until the event's end, with a reason, which is logged; staff and admins only. The ticket can be scanned again.

    Staff who have an assigned place undo admissions there only.
    """
    request_id = request_id_of("undo check-in", user_id=staff.user_id, key=key)
    is_admin = staff.has_role(Role.ADMIN)
    async with audit.record("check_in.undo", "seat", body.seat_id) as change:
        undone = await undos.undo(body, staff_user_id=staff.user_id, is_admin=is_admin, request_id=request_id)
        change.before, change.after = {"status": "CHECKED_IN"}, {"status": "SOLD"}
    return success(undone)
