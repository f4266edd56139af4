"""What the bodies of all aggregates share."""

import uuid
from typing import Annotated

from pydantic import BaseModel, Field

from common.fields import PlainText

__all__ = ["Reason", "Requested", "Seat", "Undo"]

Reason = Annotated[PlainText, Field(max_length=500)]


class Seat(BaseModel):
    """A seat and its place, as inventory named it when it was sold."""

    seat_id: uuid.UUID
    category: Annotated[PlainText, Field(min_length=1, max_length=50)]
    row_number: Annotated[PlainText, Field(max_length=20, description="Empty in a standing area.")]
    seat_number: Annotated[int, Field(strict=True, ge=0, le=2_147_483_647)]


class Requested(BaseModel):
    """A repeatable call that needs nothing but its id."""

    request_id: uuid.UUID


class Undo(Requested):
    """The undo of a call that may never have come."""

    undoes_request_id: uuid.UUID
