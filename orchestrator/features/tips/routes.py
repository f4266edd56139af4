"""Tips (Q1 to Q6)."""

from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.tips.schemas import TipBought, TipQueued, TipRequest
from orchestrator.features.tips.service import TipService
from orchestrator.http.answers import answer
from orchestrator.http.naming import CamelCaseRoute
from orchestrator.http.refusals import COMMON, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_BUY = (
    refusals(
        COMMON
        | IDEMPOTENT
        | {
            400: "VALIDATION_ERROR, INVALID_UUID, SELF_PURCHASE, DUPLICATE_REQUEST",
            402: "INSUFFICIENT_CREDITS",
            403: "ACCOUNT_SUSPENDED",
            404: "PERFORMER_NOT_FOUND, ITEM_NOT_FOUND",
            409: "ITEM_INACTIVE, DAILY_LIMIT_REACHED, REQUEST_IN_PROGRESS",
            428: "OTP_REQUIRED",
        }
    )
    | IN_PROGRESS
)

router = APIRouter(prefix="/tip-grid", tags=["Tips"], route_class=CamelCaseRoute)


Tips = Annotated[TipService, provided(TipService)]


@router.post("/purchase", responses=_BUY, summary="Tip a performer, now or in their queue")
async def buy(
    *,
    body: TipRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    tips: Tips,
    response: Response,
) -> Success[TipBought | TipQueued] | Success[InProgress]:
    """Buy a tip grid item.

    IMMEDIATE: the credits have moved when the answer comes. QUEUED: nothing moves before the tip is performed; with
    `hold_funds`, or if the item has a daily limit, the credits are in escrow until then. Without enough credits it is refused.

    The body's `idempotency_key` is refused when it is used again; the header `Idempotency-Key` repeats the first answer. A
    flagged fan gets 428 `OTP_REQUIRED` and a code: verify it at `/api/verify-otp` with the `context` and `reference_id` in
    `details`, then send the same request again; if it had neither key, with the `idempotency_key` in `details` in its body. A body in camelCase is answered in camelCase.
    """
    return await answer(tips.buy(body, buyer_id=user.user_id, key=key, address=address), response)
