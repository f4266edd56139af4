"""The envelope of every message, named after CloudEvents where it has a name."""

import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import InvalidRequest
from common.telemetry.correlation import correlation_id
from common.telemetry.tracing import current_traceparent

__all__ = ["InvalidMessage", "Message"]


class InvalidMessage(InvalidRequest):
    """Nobody will ever understand it: it goes to `parking` for people to look at."""

    public_message = "The message cannot be understood."


class Message(BaseModel):
    """A fact that has happened, such as ``order.confirmed``.

    `type` is also the routing key on `messages.exchange`; `subject` names the thing it is about, usually by its id.
    `traceparent`, there when traces are made, is that of whoever wrote the message (CloudEvents' Distributed Tracing
    extension): it may lie in an outbox or wait on the broker meanwhile.
    """

    model_config = ConfigDict(frozen=True)

    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    type: str
    version: int = 1
    time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    source: str
    subject: str
    correlation_id: str = Field(default_factory=correlation_id)
    traceparent: str | None = Field(default_factory=current_traceparent, exclude_if=lambda value: value is None)
    data: dict[str, Any] = Field(default_factory=dict)

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> "Message":
        """Read a message.

        Raises:
            InvalidMessage: it is not one of ours.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise InvalidMessage(problems=error.error_count()) from error
