"""Scans at the door (T12)."""

from typing import Annotated

from fastapi import APIRouter, Depends

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.http.auth import CurrentUser
from common.http.envelope import Success, refusals, success
from orchestrator.features.check_in.schemas import ScanDecision, VerifyRequest
from orchestrator.features.check_in.service.check_in import CheckInService, PresentedCode
from orchestrator.http.dependencies import provided
from orchestrator.http.idempotency import IdempotencyKey
from orchestrator.http.refusals import ADMIN, IDEMPOTENT

__all__ = ["router"]

_VERIFY = refusals(ADMIN | IDEMPOTENT | {400: "QR_INVALID, VALIDATION_ERROR"})

router = APIRouter(tags=["Door"])


async def _doorkeeper(user: CurrentUser) -> Principal:
    if not (user.has_role(Role.STAFF) or user.has_role(Role.ADMIN)):
        raise Forbidden
    return user


@router.post("/verify", responses=_VERIFY, summary="Scan a ticket's code at the door")
async def verify(
    *,
    body: VerifyRequest,
    staff: Annotated[Principal, Depends(_doorkeeper)],
    key: IdempotencyKey,
    door: Annotated[CheckInService, provided(CheckInService)],
) -> Success[ScanDecision]:
    """Admits each ticket once. 200 for every scan that was decided, whatever came of it; staff and admins only.

    A 503 admits nobody we know of: repeat it with the same `nonce` (or `Idempotency-Key`) to learn what came of it.
    """
    code = PresentedCode(
        staff_user_id=staff.user_id,
        qr_payload=body.qr_payload,
        hall_id=body.hall_id,
        event_id=body.event_id,
        scanned_at=body.scanned_at,
        nonce=body.nonce or key,
    )
    return success(await door.verify(code))
