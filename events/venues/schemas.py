"""The answers of the venue routes."""

import uuid
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import SentText
from common.time_zones import DEFAULT_TIME_ZONE

__all__ = ["HallId", "IntroducedVenue", "Venue"]

_EXAMPLE: Final[JsonDict] = {
    "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
    "name": "Singapore Indoor Stadium",
    "address": "2 Stadium Walk, Singapore 397691",
    "time_zone": "Asia/Singapore",
    "total_halls": 3,
    "halls": ["HALL-A", "HALL-B"],
}


HallId = Annotated[SentText, Field(min_length=1, max_length=100)]


class VenueFacts(BaseModel):
    name: Annotated[SentText, Field(min_length=1, max_length=200)]
    address: Annotated[SentText, Field(max_length=500)]
    total_halls: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    halls: list[HallId] = Field(
        default=[],
        max_length=1_000,
        description="The names that are known so far. Until there are total_halls, an event in a new hall adds its name. "
        "It goes with the last event in the hall, if that is discarded or cancelled.",
    )


class IntroducedVenue(VenueFacts):
    """A venue given with an event. An existing venue of that id, or of that name and address, is used unchanged."""

    venue_id: uuid.UUID | None = None
    time_zone: Annotated[SentText, Field(min_length=1, max_length=64)] = DEFAULT_TIME_ZONE

    def can_have(self, hall_id: str) -> bool:
        return hall_id in self.halls or len(self.halls) < self.total_halls


class Venue(VenueFacts):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    venue_id: uuid.UUID
    time_zone: str = Field(default=DEFAULT_TIME_ZONE, description="Its name in the IANA database.")
