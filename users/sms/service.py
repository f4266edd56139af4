"""Sending text messages."""

from typing import Protocol
from uuid import UUID

from common.db.idempotency import ParticipantRequest
from users.accounts.errors import UserNotFound
from users.sms.repository import SmsRepository

__all__ = ["SmsProvider", "Texts"]


class SmsProvider(Protocol):
    async def send_text(self, *, mobile: str, message: str) -> None:
        """Send a text message. Raises `OtpUnavailable` when the provider does not take it."""


class Texts:
    def __init__(self, *, provider: SmsProvider, repository: SmsRepository) -> None:
        self._provider = provider
        self._repository = repository

    async def send(self, *, request_id: UUID, user_id: UUID, text: str) -> None:
        """Send a text message to somebody's phone. A repeated id sends nothing.

        The provider knows no idempotency: when we die between its answer and our note, the repetition sends again.

        Raises:
            UserNotFound: there is none. Not remembered.
            OtpUnavailable: the provider did not take it. Not remembered either.
            Unprocessable: the id was used with other arguments.
        """
        request = ParticipantRequest.of(request_id, "send_text", user_id=user_id, text=text)
        standing = await self._repository.look(request, user_id)
        if standing.is_sent:
            return
        if standing.phone is None:
            raise UserNotFound
        await self._provider.send_text(mobile=standing.phone, message=text)
        await self._repository.note_sent(request)
