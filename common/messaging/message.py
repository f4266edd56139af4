"""The envelope of every message. Its fields are named as in CloudEvents where possible."""

import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import InvalidRequest
from common.fields import is_none
from common.telemetry.correlation import correlation_id
from common.telemetry.tracing import current_traceparent


class InvalidMessage(InvalidRequest):
    """The message can never be handled, so it is parked for an admin."""

    public_message = "The message cannot be understood."


class Message(BaseModel):
    """A fact that has happened, such as ``session.revoked``.

    `type` is also the routing key on `messages.exchange`; `subject` is usually the id of what the message is about.
    `traceparent`, present when tracing is on, is the writer's (CloudEvents' Distributed Tracing extension), because the
    message may wait in an outbox or on the broker.
    """

    model_config = ConfigDict(frozen=True)

    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    type: str
    version: int = 1
    time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    source: str
    subject: str
    correlation_id: str = Field(default_factory=correlation_id)
    traceparent: str | None = Field(default_factory=current_traceparent, exclude_if=is_none)
    data: dict[str, Any] = Field(default_factory=dict)

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> "Message":
        """Read a message.

        Raises:
            InvalidMessage: the body is not a message.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise InvalidMessage(problems=error.error_count()) from error
