"""Records earnings from `purchased_item.success`."""

import uuid
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from common.messaging.message import InvalidMessage, Message
from orders.earnings.repository import EarningsRepository

COMPLETED = "purchased_item.success"


class CompletedItem(BaseModel):
    """The message's data. The item itself is read from the service's own table."""

    purchased_item_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class EarningsRecorder:
    """Handles `purchased_item.success`. A repeated message changes nothing."""

    earnings: EarningsRepository

    async def handle(self, message: Message) -> None:
        """Record what the performer earned with the item.

        Raises:
            InvalidMessage: the message names no completed item.
            Unavailable: the database is unavailable; the message is retried.
        """
        if message.type != COMPLETED:
            raise InvalidMessage(type=message.type)
        try:
            completed = CompletedItem.model_validate(message.data)
        except ValidationError as error:
            raise InvalidMessage(problems=error.error_count()) from error
        await self.earnings.record(completed.purchased_item_id, message)
