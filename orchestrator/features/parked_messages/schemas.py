"""Parked messages as admins see them."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from orchestrator.features.parked_messages.models.records import ParkedStatus

__all__ = ["ParkedMessage"]


class ParkedMessage(BaseModel):
    parked_id: uuid.UUID
    message_id: str
    queue: str | None = Field(
        description="Where it was taken from, and goes when it is replayed.", examples=["seat.release.queue"]
    )
    reason: str = Field(examples=["The message cannot be understood."])
    status: ParkedStatus
    size_bytes: int
    payload: Any = Field(
        description="What it says, secrets redacted; null when it is no JSON, or too long to be shown.",
        examples=[{"type": "seat.hold"}],
    )
    parked_at: datetime
    settled_at: datetime | None = Field(description="When it was replayed or discarded.")
    settled_by: uuid.UUID | None
