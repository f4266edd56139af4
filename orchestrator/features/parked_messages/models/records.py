"""Records of parked messages."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field


class ParkedStatus(enum.StrEnum):
    PARKED = "parked"  # waits for an admin
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A message from `parking`. The same delivery always has the same `parked_id`."""

    parked_id: uuid.UUID
    message_id: str
    queue: str | None
    reason: str
    body: bytes
    parked_at: datetime


class ParkedFacts(BaseModel):
    parked_id: uuid.UUID
    message_id: str
    queue: str | None = Field(
        description="The queue that it came from, and to which a replay sends it.", examples=["seat.release.queue"]
    )
    reason: str = Field(examples=["The message cannot be understood."])
    status: ParkedStatus
    size_bytes: int
    parked_at: datetime
    settled_at: datetime | None = Field(description="When it was replayed or discarded.")
    settled_by: uuid.UUID | None


class ParkedView(ParkedFacts):
    """A stored message; `body` is None if it is too long to be shown."""

    body: bytes | None
