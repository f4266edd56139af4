"""Subscriptions to performers (M2). Fans read and cancel theirs at the orders service."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.body import EmptyBody
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.subscriptions.schemas import Subscribed
from orchestrator.features.subscriptions.service import SubscriptionService
from orchestrator.http.answers import answer
from orchestrator.http.refusals import COMMON, IDEMPOTENT
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_SUBSCRIBE = refusals(
    COMMON
    | IDEMPOTENT
    | {
        400: "INVALID_UUID, SELF_PURCHASE",
        402: "INSUFFICIENT_CREDITS",
        403: "ACCOUNT_SUSPENDED",
        404: "PERFORMER_NOT_FOUND",
        409: "ITEM_INACTIVE, REQUEST_IN_PROGRESS",
        428: "OTP_REQUIRED",
    }
) | {202: {"model": Success[InProgress]}}

router = APIRouter(tags=["Subscriptions"])

Subscriptions = Annotated[SubscriptionService, provided(SubscriptionService)]


@router.post("/performers/{performer_id}/subscription", responses=_SUBSCRIBE, summary="Subscribe to a performer")
async def subscribe(
    *,
    performer_id: uuid.UUID,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    subscriptions: Subscriptions,
    response: Response,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[Subscribed] | Success[InProgress]:
    """Pays 30 days at the performer's price; it renews until you cancel it, or until a renewal cannot be paid.

    While it is active nothing is charged: one that was cancelled renews again.
    """
    subscribed = subscriptions.subscribe(performer_id, fan_id=user.user_id, key=key, address=address)
    return await answer(subscribed, response)
