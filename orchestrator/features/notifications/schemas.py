"""A user's feed, as the gateways read it."""

import uuid
from typing import Any

from pydantic import BaseModel

__all__ = ["FeedEntry", "FeedPage"]


class FeedEntry(BaseModel):
    """One thing that happened to somebody. `data` depends on the type; `sequence` counts up by one, per person."""

    sequence: int
    id: uuid.UUID
    type: str
    time: str
    subject: str
    data: dict[str, Any]


class FeedPage(BaseModel):
    """Entries after a sequence number, oldest first.

    `is_complete` is False when some after that number are not kept any more, or there never was such a number: who
    relies on the feed must read anew what it tells of.
    """

    entries: list[FeedEntry]
    last_sequence: int
    is_complete: bool
