"""What a venue looks like."""

import uuid
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import PlainText

__all__ = ["NewVenue", "Venue"]

_EXAMPLE: Final[JsonDict] = {
    "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
    "name": "Singapore Indoor Stadium",
    "address": "2 Stadium Walk, Singapore 397691",
    "total_halls": 3,
}


class NewVenue(BaseModel):
    name: Annotated[PlainText, Field(min_length=1, max_length=200)]
    address: Annotated[PlainText, Field(min_length=1, max_length=500)]
    total_halls: Annotated[int, Field(ge=1, le=1_000)]


class Venue(NewVenue):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    venue_id: uuid.UUID
