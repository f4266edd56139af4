"""HTTP routes of confirmation codes: sagas send them, users enter them. Internal only."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, Success, refusals, success
from users.confirmation_codes.schemas import CodeSent, Nothing, SendCode, Verified, VerifyCode, WithdrawCode
from users.confirmation_codes.service import ConfirmationCodeService

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/otp", tags=["Internal: one-time codes"], dependencies=[Depends(require_service)]
)
Codes = Annotated[ConfirmationCodeService, provided(ConfirmationCodeService)]


@internal.post(
    "/send",
    responses=refusals(
        {
            400: BAD_INPUT,
            404: "USER_NOT_FOUND",
            409: "REQUEST_UNDONE, REQUEST_IN_PROGRESS",
            422: "IDEMPOTENCY_KEY_REUSED",
            429: "RATE_LIMITED, OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def send_code(call: SendCode, codes: Codes) -> Success[CodeSent]:
    """Send a code to the user's phone, unless the last one can still be tried, or was right.

    A transfer's code that was wrong three times is not replaced: 429 OTP_MAX_RETRIES.
    """
    sent = await codes.send(
        request_id=call.request_id,
        purpose=call.purpose,
        requested_by_user_id=call.requested_by_user_id,
        address=call.address,
    )
    return success(sent)


@internal.post("/withdraw", responses=refusals({400: BAD_INPUT, 422: "IDEMPOTENCY_KEY_REUSED"}))
async def withdraw_code(call: WithdrawCode, codes: Codes) -> Success[Nothing]:
    """Undo a send: its code, and a verification by it, are no longer valid."""
    await codes.withdraw(request_id=call.request_id, undoes_request_id=call.undoes_request_id, purpose=call.purpose)
    return success(Nothing())


@internal.post(
    "/verify",
    responses=refusals(
        {
            400: BAD_INPUT,
            401: "OTP_INVALID",
            409: "REQUEST_IN_PROGRESS",
            410: "OTP_EXPIRED",
            429: "OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_code(call: VerifyCode, codes: Codes) -> Success[Verified]:
    """Check a code. A verified challenge stays verified, and the provider is not called again."""
    await codes.verify(purpose=call.purpose, code=call.otp_code)
    return success(Verified())
