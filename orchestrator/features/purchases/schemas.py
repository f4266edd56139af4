"""Requests and answers of purchases."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.fields import Integer, LineText
from common.http.body import RequestBody
from common.money import Money

__all__ = [
    "BestAvailableRequest",
    "Cancellation",
    "OrderInProgress",
    "PayRequest",
    "Receipt",
    "Reservation",
    "ReserveRequest",
    "TicketCode",
]

MAX_SEATS_PER_ORDER = 10  # T2

SeatIds = Annotated[list[uuid.UUID], Field(min_length=1, max_length=MAX_SEATS_PER_ORDER)]


class ReserveRequest(RequestBody):
    """Either `seat_id` or `seat_ids`, 1 to 10 different seats of one event."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
                "seat_ids": ["55555555-5555-5555-5555-555555555101", "55555555-5555-5555-5555-555555555102"],
            }
        }
    )

    event_id: uuid.UUID
    seat_id: uuid.UUID | None = None
    seat_ids: SeatIds | None = None

    @model_validator(mode="after")
    def _names_each_seat_once(self) -> Self:
        if (self.seat_id is None) == (self.seat_ids is None):
            raise ValueError("give either seat_id or seat_ids")
        if self.seat_ids is not None and len(set(self.seat_ids)) != len(self.seat_ids):
            raise ValueError("a seat is named twice")
        return self

    @property
    def chosen(self) -> tuple[uuid.UUID, ...]:
        """The seats in ascending order."""
        return tuple(sorted(self.seat_ids or [self.seat_id or uuid.UUID(int=0)]))


class BestAvailableRequest(RequestBody):
    """The best available seats of a category, adjacent if possible."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1", "category": "CAT1", "quantity": 2}
        }
    )

    event_id: uuid.UUID
    category: LineText = Field(min_length=1, max_length=40)
    quantity: Integer = Field(ge=1, le=MAX_SEATS_PER_ORDER)


class Reservation(BaseModel):
    """Seats held for the caller. `seat_id` is set if it is one seat."""

    order_id: uuid.UUID
    status: Literal["HELD"] = "HELD"
    seat_ids: list[uuid.UUID]
    seat_id: uuid.UUID | None = None
    held_until: datetime
    ttl_seconds: int
    total: Money


class PayRequest(RequestBody):
    order_id: uuid.UUID


class TicketCode(BaseModel):
    seat_id: uuid.UUID
    qr_payload: str


class Receipt(BaseModel):
    """A paid order. `seat_id` and `qr_payload` are set if it is one ticket."""

    order_id: uuid.UUID
    seat_id: uuid.UUID | None = None
    status: Literal["CONFIRMED"] = "CONFIRMED"
    credits_charged: Money
    remaining_balance: Money
    tickets: list[TicketCode]
    qr_payload: str | None = None


class Cancellation(BaseModel):
    order_id: uuid.UUID
    status: Literal["CANCELLED"] = "CANCELLED"


class OrderInProgress(BaseModel):
    """The work goes on in the background; read the order again in a moment."""

    order_id: uuid.UUID
    saga_id: uuid.UUID
    status: Literal["PROCESSING"] = "PROCESSING"
