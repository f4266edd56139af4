"""Top-ups (W3, W4)."""

from typing import Annotated

from fastapi import APIRouter

from common.http.auth import CurrentUser
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.payments.schemas import CryptoInstructions, CryptoRequest, TopUpRequest, TopUpStarted
from orchestrator.features.payments.service.top_up import TopUpService
from orchestrator.http.refusals import COMMON, IDEMPOTENT

__all__ = ["router"]

_TOP_UP = COMMON | IDEMPOTENT | {400: "VALIDATION_ERROR"}
_CRYPTO = _TOP_UP | {
    400: "VALIDATION_ERROR, INVALID_UUID",
    403: "FORBIDDEN",
    404: "ORDER_NOT_FOUND",
    409: "ORDER_INVALID_STATE",
}

router = APIRouter(tags=["Credits"])


TopUps = Annotated[TopUpService, provided(TopUpService)]


@router.post("/credits/topup", responses=refusals(_TOP_UP), summary="Buy credits by card")
async def top_up(body: TopUpRequest, user: CurrentUser, key: IdempotencyKey, top_ups: TopUps) -> Success[TopUpStarted]:
    """Pass `client_secret` to Stripe's form; the wallet is credited once `GET /api/payments/{payment_id}` is SUCCEEDED."""
    return success(await top_ups.top_up(user_id=user.user_id, amount=body.amount, key=key))


@router.post("/payments/crypto", responses=refusals(_CRYPTO), summary="Buy credits or pay an order by crypto")
async def pay_by_crypto(
    body: CryptoRequest, user: CurrentUser, key: IdempotencyKey, top_ups: TopUps
) -> Success[CryptoInstructions]:
    """A full payment is credited even if it arrives late; an order is then paid from the wallet."""
    return success(await top_ups.pay_by_crypto(body, user_id=user.user_id, key=key))
