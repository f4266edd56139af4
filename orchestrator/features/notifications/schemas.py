"""A user's feed, as the gateway reads it."""

import uuid
from typing import Any

from pydantic import BaseModel


class FeedEntry(BaseModel):
    """An entry. `data` depends on the type; `sequence` increases by one within a user's feed."""

    sequence: int
    id: uuid.UUID
    type: str
    time: str
    subject: str
    data: dict[str, Any]


class FeedPage(BaseModel):
    """Entries after a sequence number, oldest first.

    `is_complete` is False if later entries have been deleted, or that number was never used: the client must then reload
    the state that the entries describe.
    """

    entries: list[FeedEntry]
    last_sequence: int
    is_complete: bool
