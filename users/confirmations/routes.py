"""Codes that sagas send and people answer with; internal only."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from common.http.auth import require_service
from common.http.envelope import Success, refusals, success
from users.confirmations.schemas import CodeSent, Nothing, SendCode, Verified, VerifyCode, WithdrawCode
from users.confirmations.service import Confirmations

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/otp", tags=["Internal: one-time codes"], dependencies=[Depends(require_service)]
)
_BAD_INPUT: Final = "VALIDATION_ERROR, INVALID_UUID"


async def _confirmations(request: Request) -> Confirmations:
    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    confirmations: Confirmations = request.app.state.confirmations
    return confirmations


ConfirmationsService = Annotated[Confirmations, Depends(_confirmations)]


@internal.post(
    "/send",
    responses=refusals(
        {
            400: _BAD_INPUT,
            404: "USER_NOT_FOUND",
            409: "REQUEST_UNDONE, REQUEST_IN_PROGRESS",
            422: "IDEMPOTENCY_KEY_REUSED",
            429: "RATE_LIMITED, OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def send_code(call: SendCode, confirmations: ConfirmationsService) -> Success[CodeSent]:
    """Send a code to the user's phone, unless the last one can still be tried, or was right.

    A transfer's code that was wrong three times is not replaced: 429 OTP_MAX_RETRIES.
    """
    outcome = await confirmations.send(
        request_id=call.request_id,
        matter=call.matter,
        requested_by_user_id=call.requested_by_user_id,
        address=call.address,
    )
    return success(CodeSent(sent=outcome.sent, retry_after_seconds=outcome.retry_after_seconds))


@internal.post("/withdraw", responses=refusals({400: _BAD_INPUT, 422: "IDEMPOTENCY_KEY_REUSED"}))
async def withdraw_code(call: WithdrawCode, confirmations: ConfirmationsService) -> Success[Nothing]:
    """Undo a send: its code is of no use any more, and neither is having been right."""
    await confirmations.withdraw(
        request_id=call.request_id, undoes_request_id=call.undoes_request_id, matter=call.matter
    )
    return success(Nothing())


@internal.post(
    "/verify",
    responses=refusals(
        {
            400: _BAD_INPUT,
            401: "OTP_INVALID",
            409: "REQUEST_IN_PROGRESS",
            410: "OTP_EXPIRED",
            429: "OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_code(call: VerifyCode, confirmations: ConfirmationsService) -> Success[Verified]:
    """Check a code. Once verified it stays so, and the provider is not asked again."""
    await confirmations.verify(matter=call.matter, code=call.otp_code)
    return success(Verified())
