"""Sends text messages."""

from dataclasses import dataclass
from uuid import UUID

from common.db.idempotency import ParticipantRequest
from users.accounts.errors import UserNotFound
from users.one_time_codes.notification_api import NotificationApi
from users.sms.repository import SmsRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsService:
    provider: NotificationApi
    repository: SmsRepository

    async def send(self, *, request_id: UUID, user_id: UUID, text: str) -> None:
        """Send a text message to a user's phone. A repeated id sends nothing.

        The provider has no idempotency: if the process crashes between the provider's answer and `mark_sent`, the
        repetition sends the message again.

        Raises:
            UserNotFound: there is no such user. Not stored.
            OtpUnavailable: the provider did not accept it. Not stored.
            Unprocessable: the id was used with other arguments.
        """
        request = ParticipantRequest.of(request_id, "send_text", user_id=user_id, text=text)
        status = await self.repository.status_of(request, user_id)
        if status.is_sent:
            return
        if status.phone is None:
            raise UserNotFound
        await self.provider.send_sms(mobile=status.phone, message=text)
        await self.repository.mark_sent(request)
