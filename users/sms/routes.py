"""Text messages; internal only."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from common.http.auth import require_service
from common.http.envelope import Success, refusals, success
from users.sms.schemas import SendSms, SmsSent
from users.sms.service import Texts

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/sms", tags=["Internal: text messages"], dependencies=[Depends(require_service)]
)


async def _texts(request: Request) -> Texts:
    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    texts: Texts = request.app.state.texts
    return texts


@internal.post(
    "",
    responses=refusals(
        {
            400: "VALIDATION_ERROR, INVALID_UUID",
            404: "USER_NOT_FOUND",
            422: "IDEMPOTENCY_KEY_REUSED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def send_text(call: SendSms, texts: Annotated[Texts, Depends(_texts)]) -> Success[SmsSent]:
    """Send a text message to the user's phone, once for each `request_id`."""
    await texts.send(request_id=call.request_id, user_id=call.user_id, text=call.text)
    return success(SmsSent())
