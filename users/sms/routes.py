"""HTTP routes of text messages; internal only."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, Success, refusals, success
from users.sms.schemas import SendSms, SmsSent
from users.sms.service import SmsService

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/sms", tags=["Internal: text messages"], dependencies=[Depends(require_service)]
)


@internal.post(
    "",
    responses=refusals(
        {400: BAD_INPUT, 404: "USER_NOT_FOUND", 422: "IDEMPOTENCY_KEY_REUSED", 503: "SERVICE_UNAVAILABLE"}
    ),
)
async def send_sms(call: SendSms, sms: Annotated[SmsService, provided(SmsService)]) -> Success[SmsSent]:
    """Send a text message to the user's phone, once for each `request_id`."""
    await sms.send(**dict(call))
    return success(SmsSent())
