"""Parked messages as admins see them."""

from typing import Any

from pydantic import Field

from orchestrator.features.parked_messages.models.records import ParkedFacts


class ParkedMessage(ParkedFacts):
    payload: Any = Field(
        description="The message with secrets redacted; null if it is not JSON or too long to be shown.",
        examples=[{"type": "seat.hold"}],
    )
