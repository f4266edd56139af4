"""Transfers between fans (T8), and their disputes (T9)."""

from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import AdminUser, CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.transfers.schemas import (
    ConfirmTransferRequest,
    DisputeRequest,
    TransferCancelledView,
    TransferCompleted,
    TransferDismissed,
    TransferDisputed,
    TransferPending,
    TransferReference,
    TransferRequest,
    TransferReversed,
)
from orchestrator.features.transfers.service.disputes import DisputeService
from orchestrator.features.transfers.service.transfers import TransferService
from orchestrator.http.answers import answer
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import COMMON, IDEMPOTENT
from orchestrator.http.schemas import InProgress

__all__ = ["Transfers", "router"]

_CANCEL = COMMON | {
    403: "FORBIDDEN",
    404: "TRANSFER_NOT_FOUND",
    409: "TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS",
}
_COMMON = _CANCEL | IDEMPOTENT
_INITIATE = refusals(
    _COMMON
    | {
        400: "VALIDATION_ERROR, INVALID_UUID, SELF_TRANSFER, PRICE_ABOVE_CAP",
        402: "INSUFFICIENT_CREDITS",
        403: "FORBIDDEN, NOT_SEAT_OWNER, UNVERIFIED_ACCOUNT",
        404: "SEAT_NOT_FOUND, USER_NOT_FOUND",
        409: "TRANSFER_IN_PROGRESS, TRANSFER_INVALID_STATE, LISTING_INVALID_STATE, ORDER_INVALID_STATE, "
        "REQUEST_IN_PROGRESS",
        410: "EVENT_ENDED",
    }
)
_CONFIRM = refusals(
    _COMMON
    | {
        401: "UNAUTHORIZED, TOKEN_EXPIRED, OTP_INVALID",
        402: "INSUFFICIENT_CREDITS",
        403: "FORBIDDEN, NOT_SEAT_OWNER, ACCOUNT_SUSPENDED",
        409: "TRANSFER_INVALID_STATE, SEAT_UNAVAILABLE, REQUEST_IN_PROGRESS",
        410: "OTP_EXPIRED, EVENT_ENDED",
        429: "RATE_LIMITED, OTP_MAX_RETRIES",
    }
)
_REVERSE = refusals(
    _COMMON
    | {
        403: "FORBIDDEN, NOT_SEAT_OWNER",
        409: "TRANSFER_INVALID_STATE, SEAT_UNAVAILABLE, REQUEST_IN_PROGRESS",
    }
)

router = APIRouter(prefix="/transfer", tags=["Transfers"], responses={202: {"model": Success[InProgress]}})


Transfers = Annotated[TransferService, provided(TransferService)]
Disputes = Annotated[DisputeService, provided(DisputeService)]


@router.post("/initiate", status_code=201, responses=_INITIATE, summary="Offer or request a ticket")
async def initiate(
    *,
    body: TransferRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    transfers: Transfers,
    response: Response,
) -> Success[TransferPending] | Success[InProgress]:
    """Both parties get a code and have fifteen minutes to confirm. A ticket is in one transfer at a time.

    The amount is at most the event's cap for resale.
    """
    return await answer(transfers.initiate(body, caller_id=user.user_id, key=key, address=address), response)


@router.post("/confirm", responses=_CONFIRM, summary="Confirm by code")
async def confirm(
    *,
    body: ConfirmTransferRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    transfers: Transfers,
    response: Response,
) -> Success[TransferPending | TransferCompleted] | Success[InProgress]:
    """The caller's own code, or both codes. With the second code, the buyer gets the ticket and the seller the credits.

    The third wrong code ends the transfer. A 402 (too few credits) does not: top up and confirm again before it expires,
    with the same `Idempotency-Key` or another.
    """
    codes = {"": body.otp_code, "seller": body.seller_otp, "buyer": body.buyer_otp}
    given = {party: code for party, code in codes.items() if code is not None}
    return await answer(transfers.confirm(body.transfer_id, given, caller_id=user.user_id, key=key), response)


@router.post("/cancel", responses=refusals(_CANCEL), summary="Cancel a pending transfer")
async def cancel(
    body: TransferReference, user: CurrentUser, transfers: Transfers, response: Response
) -> Success[TransferCancelledView] | Success[InProgress]:
    """By the seller or the buyer. Cancelling twice is the same as cancelling once."""
    return await answer(transfers.cancel(body.transfer_id, caller_id=user.user_id), response)


@router.post("/dispute", responses=refusals(_COMMON), summary="Dispute a completed transfer")
async def dispute(
    body: DisputeRequest, user: CurrentUser, key: IdempotencyKey, disputes: Disputes
) -> Success[TransferDisputed]:
    """By the seller or the buyer, once. Until an admin decides, the ticket can be neither transferred nor sold.

    Refused once the buyer has passed the ticket on: its new owner is not affected.
    """
    disputed = await disputes.dispute(body.transfer_id, caller_id=user.user_id, reason=body.reason, key=key)
    return success(disputed)


@router.post("/reverse", responses=_REVERSE, summary="Reverse a disputed transfer (admin)")
async def reverse(
    *,
    body: TransferReference,
    admin: AdminUser,
    key: IdempotencyKey,
    disputes: Disputes,
    audit: Audit,
    response: Response,
) -> Success[TransferReversed] | Success[InProgress]:
    """The seller gets the ticket back, and the buyer all credits, even if the seller has spent some."""

    async def audited() -> TransferReversed:
        async with audit.record("transfer.reverse", "transfer", body.transfer_id) as change:
            reversed_ = await disputes.reverse(body.transfer_id, admin_id=admin.user_id, key=key)
            change.before, change.after = {"status": "DISPUTED"}, reversed_.model_dump(mode="json")
        return reversed_

    return await answer(audited(), response)


@router.post("/dismiss", responses=refusals(_COMMON), summary="Dismiss the dispute of a transfer (admin)")
async def dismiss(
    *, body: TransferReference, admin: AdminUser, key: IdempotencyKey, disputes: Disputes, audit: Audit
) -> Success[TransferDismissed]:
    async with audit.record("transfer.dismiss", "transfer", body.transfer_id) as change:
        dismissed = await disputes.dismiss(body.transfer_id, admin_id=admin.user_id, key=key)
        change.before, change.after = {"status": "DISPUTED"}, {"status": "COMPLETED"}
    return success(dismissed)
