"""One-time codes, which the users service sends and checks."""

import uuid
from dataclasses import dataclass

from common.http.client import ServiceClient
from orchestrator.clients.calls import post
from orchestrator.clients.models import CodeContext
from orchestrator.saga_engine.plan import Call


@dataclass(frozen=True, slots=True)
class SentCode:
    """Whether the service has just sent a code; if an earlier code prevents that, when it may send the next one."""

    is_sent: bool
    retry_after_seconds: int | None


def resale_purchase_reference(listing_id: uuid.UUID, *, buyer_user_id: uuid.UUID) -> uuid.UUID:
    """Return what a buyer's code for a listing is verified for: the same for each attempt to buy it."""
    return uuid.uuid5(listing_id, f"bought by {buyer_user_id}")


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
    ) -> SentCode:
        """Send a code to the user's phone.

        Args:
            requested_by_user_id, address: the user who causes the code and their IP address; both are rate limited.
        """
        answer = await post(
            self._users,
            "/internal/otp/send",
            call,
            user_id=user_id,
            requested_by_user_id=requested_by_user_id,
            context=context,
            reference=str(reference),
            address=address,
        )
        return SentCode(answer["sent"], answer["retry_after_seconds"])

    async def withdraw(self, call: Call, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID) -> None:
        facts = {"user_id": user_id, "context": context, "reference": str(reference)}
        await post(self._users, "/internal/otp/withdraw", call, **facts)

    async def send_again(
        self, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID, address: str
    ) -> SentCode:
        """Send a code, unless the service has just sent one.

        Raises:
            TooManyRequests: RATE_LIMITED.
            Unavailable: the provider does not respond.
        """
        return await self.send(
            Call(uuid.uuid4()),
            user_id=user_id,
            requested_by_user_id=user_id,
            context=context,
            reference=reference,
            address=address,
        )

    async def verify(self, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID, otp_code: str) -> None:
        """Prove by a code that the user has their phone. The proof stays valid for this reference.

        Raises:
            Unauthenticated: OTP_INVALID.
            Gone: OTP_EXPIRED.
            TooManyRequests: OTP_MAX_RETRIES, from the third wrong code on.
            Unavailable: the provider does not respond; the attempt does not count.
        """
        await self._users.post(
            "/internal/otp/verify",
            {"user_id": user_id, "context": context, "reference": str(reference), "otp_code": otp_code},
        )
