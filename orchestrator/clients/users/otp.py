"""One-time codes, which the users service sends and checks."""

import uuid
from dataclasses import dataclass

from common.http.client import ServiceClient
from orchestrator.clients.models import CodeContext
from orchestrator.saga_engine.plan import Call

__all__ = ["OtpClient", "SentCode"]


@dataclass(frozen=True, slots=True)
class SentCode:
    """Whether a code left just now; if not because one did before, when the next may."""

    is_sent: bool
    retry_after_seconds: int | None


class OtpClient:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def send(
        self,
        call: Call,
        *,
        user_id: uuid.UUID,
        requested_by_user_id: uuid.UUID,
        context: CodeContext,
        reference: uuid.UUID,
        address: str,
    ) -> None:
        """Send a code to the user's phone.

        Args:
            requested_by_user_id, address: who caused it, and where they are; it is they who can cause so many only.
        """
        await self._send(
            call.request_id,
            user_id=user_id,
            requested_by_user_id=requested_by_user_id,
            context=context,
            reference=reference,
            address=address,
        )

    async def withdraw(self, call: Call, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID) -> None:
        await self._users.post(
            "/internal/otp/withdraw",
            {
                "request_id": call.request_id,
                "undoes_request_id": call.undoes_request_id,
                "user_id": user_id,
                "context": context,
                "reference": str(reference),
            },
        )

    async def send_again(
        self, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID, address: str
    ) -> SentCode:
        """Send a code, unless one was sent a moment ago.

        Raises:
            TooManyRequests: RATE_LIMITED.
            Unavailable: the provider gives no answer.
        """
        return await self._send(
            uuid.uuid4(),
            user_id=user_id,
            requested_by_user_id=user_id,
            context=context,
            reference=reference,
            address=address,
        )

    async def verify(self, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID, otp_code: str) -> None:
        """Prove by a code that the user has their phone. What is proven stays so, for this reference.

        Raises:
            Unauthenticated: OTP_INVALID.
            Gone: OTP_EXPIRED.
            TooManyRequests: OTP_MAX_RETRIES, with the third wrong code and after it.
            Unavailable: the provider gives no answer; the try does not count.
        """
        await self._users.post(
            "/internal/otp/verify",
            {"user_id": user_id, "context": context, "reference": str(reference), "otp_code": otp_code},
        )

    async def _send(
        self,
        request_id: uuid.UUID,
        *,
        user_id: uuid.UUID,
        requested_by_user_id: uuid.UUID,
        context: CodeContext,
        reference: uuid.UUID,
        address: str,
    ) -> SentCode:
        answer = await self._users.post(
            "/internal/otp/send",
            {
                "request_id": request_id,
                "user_id": user_id,
                "requested_by_user_id": requested_by_user_id,
                "context": context,
                "reference": str(reference),
                "address": address,
            },
        )
        return SentCode(answer["sent"], answer["retry_after_seconds"])
