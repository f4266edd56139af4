"""One-time codes (T6, T8, T10)."""

from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.otp.schemas import CodeSent, ResendOtpRequest, Verified, VerifyOtpRequest
from orchestrator.features.otp.service import OtpService
from orchestrator.features.transfers.routes import Transfers
from orchestrator.features.transfers.schemas import TransferCompleted, TransferPending
from orchestrator.http.answers import answer
from orchestrator.http.refusals import COMMON, IDEMPOTENT
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_VERIFY = refusals(
    COMMON
    | IDEMPOTENT
    | {
        401: "UNAUTHORIZED, TOKEN_EXPIRED, OTP_INVALID",
        402: "INSUFFICIENT_CREDITS",
        403: "FORBIDDEN, NOT_SEAT_OWNER",
        404: "ORDER_NOT_FOUND, TRANSFER_NOT_FOUND, LISTING_NOT_FOUND",
        409: "ORDER_ALREADY_CONFIRMED, ORDER_INVALID_STATE, TRANSFER_INVALID_STATE, LISTING_INVALID_STATE, "
        "SEAT_UNAVAILABLE, REQUEST_IN_PROGRESS",
        410: "HOLD_EXPIRED, OTP_EXPIRED, EVENT_ENDED",
        429: "RATE_LIMITED, OTP_MAX_RETRIES",
    }
) | {202: {"model": Success[InProgress]}}
_RESEND = refusals(
    COMMON
    | {
        403: "FORBIDDEN",
        404: "ORDER_NOT_FOUND, TRANSFER_NOT_FOUND, LISTING_NOT_FOUND",
        409: "ORDER_ALREADY_CONFIRMED, ORDER_INVALID_STATE, TRANSFER_INVALID_STATE, LISTING_INVALID_STATE, "
        "REQUEST_IN_PROGRESS",
        410: "HOLD_EXPIRED",
        429: "RATE_LIMITED, OTP_MAX_RETRIES",
    }
)

router = APIRouter(tags=["One-time codes"])


Codes = Annotated[OtpService, provided(OtpService)]


@router.post("/verify-otp", responses=_VERIFY, summary="Verify a one-time code")
async def verify_otp(
    *,
    body: VerifyOtpRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    codes: Codes,
    transfers: Transfers,
    response: Response,
) -> Success[Verified] | Success[TransferPending | TransferCompleted] | Success[InProgress]:
    """Verify the caller's own code.

    For a purchase: the order can then be paid. For the marketplace: the listing can then be bought. For a `purchased_item`,
    a `commission` or a `digital_order`: the request that was answered with `OTP_REQUIRED` can then be repeated. For a transfer: the same as `/transfer/confirm`.
    """
    match body.context:
        case "purchase":
            return success(
                await codes.verify_purchase(user_id=user.user_id, order_id=body.reference_id, otp_code=body.otp_code)
            )
        case "marketplace":
            return success(
                await codes.verify_resale_purchase(
                    user_id=user.user_id, listing_id=body.reference_id, otp_code=body.otp_code
                )
            )
        case "purchased_item" | "commission" | "digital_order":
            return success(
                await codes.verify_refused_request(
                    body.context, user_id=user.user_id, reference_id=body.reference_id, otp_code=body.otp_code
                )
            )
    confirmed = transfers.confirm(body.reference_id, {"": body.otp_code}, caller_id=user.user_id, key=key)
    return await answer(confirmed, response)


@router.post("/resend-otp", responses=_RESEND, summary="Send another one-time code")
async def resend_otp(
    body: ResendOtpRequest, user: CurrentUser, address: ClientAddress, codes: Codes
) -> Success[CodeSent]:
    """It invalidates the code before it. At most one code every 30 seconds, unless its three tries are used up.

    A transfer whose three tries are used up has ended.
    """
    send_again = {
        "purchase": codes.resend_for_purchase,
        "transfer": codes.resend_for_transfer,
        "marketplace": codes.resend_for_resale,
    }[body.context]
    return success(await send_again(body.reference_id, user_id=user.user_id, address=address))
