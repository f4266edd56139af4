"""The messages that the inventory consumes and publishes."""

import uuid
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from common.messaging.message import InvalidMessage, Message

SOURCE: Final = "inventory"


class _HoldData(BaseModel):
    model_config = ConfigDict(frozen=True)

    hold_id: uuid.UUID
    event_id: uuid.UUID
    user_id: uuid.UUID
    seat_ids: list[uuid.UUID]


class HoldMessage(_HoldData):
    """`seat.hold`: published when seats are held, delivered here when the hold expires."""

    held_until: AwareDatetime

    @classmethod
    def read(cls, message: Message) -> "HoldMessage":
        """Read a message's data.

        Raises:
            InvalidMessage: the message is not about a hold.
        """
        if message.type != "seat.hold":
            raise InvalidMessage(type=message.type)
        try:
            return cls.model_validate(message.data)
        except ValidationError as error:
            raise InvalidMessage(problems=error.error_count()) from error


class ExpiredHold(_HoldData):
    """`hold.expired`: a hold has ended without a sale."""

    def as_message(self) -> Message:
        return Message(type="hold.expired", source=SOURCE, subject=str(self.hold_id), data=self.model_dump(mode="json"))
