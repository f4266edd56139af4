"""Buying credits (W3, W4)."""

from typing import Annotated

from fastapi import APIRouter

from common.http.auth import CurrentUser
from common.http.envelope import Success, refusals, success
from orchestrator.features.payments.schemas import CryptoInstructions, CryptoRequest, TopUpRequest, TopUpStarted
from orchestrator.features.payments.service.top_up import TopUpService
from orchestrator.http.dependencies import provided
from orchestrator.http.idempotency import IdempotencyKey
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


Desk = Annotated[TopUpService, provided(TopUpService)]


@router.post("/credits/topup", responses=refusals(_TOP_UP), summary="Buy credits by card")
async def top_up(body: TopUpRequest, user: CurrentUser, key: IdempotencyKey, desk: Desk) -> Success[TopUpStarted]:
    """Give `client_secret` to Stripe's form; the credits are there once `GET /api/payments/{payment_id}` says SUCCEEDED."""
    return success(await desk.top_up(user_id=user.user_id, amount=body.amount, key=key))


@router.post("/payments/crypto", responses=refusals(_CRYPTO), summary="Buy credits, or pay an order, by crypto")
async def pay_by_crypto(
    body: CryptoRequest, user: CurrentUser, key: IdempotencyKey, desk: Desk
) -> Success[CryptoInstructions]:
    """What arrives in full becomes credits, also when it comes late; an order is then paid from the wallet."""
    return success(await desk.pay_by_crypto(body, user_id=user.user_id, key=key))
