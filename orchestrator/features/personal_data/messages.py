"""Deletes what the services store of a user whose account was deleted."""

from dataclasses import dataclass

from pydantic import ValidationError

from common.messaging.message import InvalidMessage, Message
from orchestrator.clients.personal_data import PersonalDataClient
from orchestrator.features.personal_data.repository import PersonalDataRepository
from orchestrator.features.personal_data.schemas import UserDeleted


@dataclass(frozen=True, slots=True)
class UserDeletedHandler:
    """Handles `user.deleted`. A repeated message changes nothing."""

    repository: PersonalDataRepository
    client: PersonalDataClient

    async def handle(self, message: Message) -> None:
        """Delete the user's feed, and what the user wrote, offered and subscribed to.

        Raises:
            InvalidMessage: the message names no user.
            Unavailable: a service is unavailable; the message is retried.
        """
        try:
            deleted = UserDeleted.model_validate(message.data)
        except ValidationError as error:
            raise InvalidMessage(problems=error.error_count()) from error
        await self.repository.erase_texts(deleted.user_id)
        await self.client.erase(deleted.user_id)
        await self.repository.erase(deleted.user_id, message)
