"""The marketplace (T10): list, cancel, buy, approve. Clients read listings from the orders service."""

from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.marketplace.schemas import (
    ApproveRequest,
    ListingActive,
    ListingCancelled,
    ListingReference,
    ListRequest,
    SaleCompleted,
    SalePending,
)
from orchestrator.features.marketplace.service import MarketplaceService
from orchestrator.http.answers import answer
from orchestrator.http.refusals import COMMON, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_CANCEL = COMMON | {
    403: "FORBIDDEN",
    404: "LISTING_NOT_FOUND",
    409: "LISTING_INVALID_STATE, REQUEST_IN_PROGRESS",
}
_COMMON = _CANCEL | IDEMPOTENT
_LIST = refusals(
    _COMMON
    | {
        400: "VALIDATION_ERROR, INVALID_UUID, PRICE_ABOVE_CAP",
        403: "NOT_SEAT_OWNER",
        404: "SEAT_NOT_FOUND",
        409: "LISTING_INVALID_STATE, TRANSFER_IN_PROGRESS, ORDER_INVALID_STATE, REQUEST_IN_PROGRESS",
        410: "EVENT_ENDED",
    }
)
_BUY = refusals(
    _COMMON
    | {
        400: "VALIDATION_ERROR, INVALID_UUID, SELF_TRANSFER",
        402: "INSUFFICIENT_CREDITS",
        403: "ACCOUNT_SUSPENDED",
        410: "EVENT_ENDED",
        428: "OTP_REQUIRED",
        429: "RATE_LIMITED",
    }
)
_APPROVE = refusals(
    _COMMON
    | {
        401: "UNAUTHORIZED, TOKEN_EXPIRED, OTP_INVALID",
        410: "OTP_EXPIRED, OFFER_EXPIRED, EVENT_ENDED",
        429: "RATE_LIMITED, OTP_MAX_RETRIES",
    }
)

router = APIRouter(prefix="/marketplace", tags=["Marketplace"], responses=IN_PROGRESS)


Market = Annotated[MarketplaceService, provided(MarketplaceService)]


@router.post("/list", status_code=201, responses=_LIST, summary="List a ticket for resale")
async def list_ticket(
    *, body: ListRequest, user: CurrentUser, key: IdempotencyKey, market: Market, response: Response
) -> Success[ListingActive] | Success[InProgress]:
    """The price is capped by the event, by default at 120 % of face value. While listed, the ticket's code is invalid."""
    return await answer(market.list_ticket(body, caller_id=user.user_id, key=key), response)


@router.post("/cancel", responses=refusals(_CANCEL), summary="Withdraw a listing")
async def cancel(
    body: ListingReference, user: CurrentUser, market: Market, response: Response
) -> Success[ListingCancelled] | Success[InProgress]:
    """By the seller or an admin. A buyer who waits for approval gets the credits back.

    Cancelling twice is the same as cancelling once.
    """
    return await answer(market.cancel(body.listing_id, caller=user), response)


@router.post("/buy", responses=_BUY, summary="Buy a ticket from a fan")
async def buy(
    *,
    body: ListingReference,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    market: Market,
    response: Response,
) -> Success[SalePending] | Success[InProgress]:
    """The price is held until the seller approves by code; after 24 hours without approval it is returned.

    A flagged fan gets 428 `OTP_REQUIRED` and a code: verify it at `/api/verify-otp` with the `context` and `reference_id` in
    `details`, then buy again. Each attempt without a verified code sends another one, at most one every 30 seconds. After 402 and
    428 the same `Idempotency-Key` makes another attempt.
    """
    bought = market.buy(body.listing_id, caller_id=user.user_id, key=key, address=address)
    return await answer(bought, response)


@router.post("/approve", responses=_APPROVE, summary="Approve a sale by code")
async def approve(
    *, body: ApproveRequest, user: CurrentUser, key: IdempotencyKey, market: Market, response: Response
) -> Success[SaleCompleted] | Success[InProgress]:
    """By the seller. The buyer gets the ticket, the seller the credits."""
    approved = market.approve(body.listing_id, body.otp_code, caller_id=user.user_id, key=key)
    return await answer(approved, response)
