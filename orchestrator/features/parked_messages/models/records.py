"""What is kept of a parked message."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Parked", "ParkedStatus", "ParkedView"]


class ParkedStatus(enum.StrEnum):
    PARKED = "parked"  # waits for people
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A message as it lay in `parking`. The same delivery always has the same `parked_id`."""

    parked_id: uuid.UUID
    message_id: str
    queue: str | None
    reason: str
    body: bytes
    parked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedView:
    """One as it was last written; `body` is None when it is too long to be shown."""

    parked_id: uuid.UUID
    message_id: str
    queue: str | None
    reason: str
    status: ParkedStatus
    size_bytes: int
    body: bytes | None
    parked_at: datetime
    settled_at: datetime | None
    settled_by: uuid.UUID | None
