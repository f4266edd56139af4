"""Fields that all aggregates share."""

import uuid
from typing import Annotated

from pydantic import BaseModel, Field

from common.fields import SentText

Reason = Annotated[SentText, Field(max_length=500)]


class Seat(BaseModel):
    """A seat and its place, as inventory named it at the sale."""

    seat_id: uuid.UUID
    category: Annotated[SentText, Field(min_length=1, max_length=50)]
    row_number: Annotated[SentText, Field(max_length=100, description="With the row's section.")]
    seat_number: Annotated[int, Field(strict=True, ge=0, le=2_147_483_647)]
