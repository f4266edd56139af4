"""The bodies and answers of the order routes."""

import uuid
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict, JsonValue

from common.fields import Instant, StoredInstant
from common.http.calls import RepeatableCall, UndoCall
from common.money import Money
from orders.shared.schemas import Reason, Seat
from orders.ticket_orders.status import OrderStatus

__all__ = [
    "BeginSeatRefund",
    "EndOrder",
    "EndedOrder",
    "HistoryEntry",
    "OpenOrder",
    "Order",
    "OrderOfSeat",
    "OrderSeat",
    "OrderWithHistory",
    "OwnerChange",
    "RefundOrder",
    "RefundSeats",
    "RefundableSeats",
    "SeatIds",
    "SoldSeat",
]

SEATS_PER_ORDER = 10  # T2: 1 to 10 seats of one event

_SEAT_EXAMPLE: JsonDict = {
    "seat_id": "55555555-5555-5555-5555-555555555101",
    "category": "CAT1",
    "row_number": "A",
    "seat_number": 1,
    "price": "350.00",
}
_ORDER_EXAMPLE: JsonDict = {
    "order_id": "0d9f2f0e-6f0b-4d0e-9a53-6f0f6ad1c3b7",
    "user_id": "41414141-4141-4141-4141-414141414141",
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "status": "CONFIRMED",
    "total": "350.00",
    "held_until": "2026-11-20T10:05:00Z",
    "created_at": "2026-11-20T10:00:00Z",
    "confirmed_at": "2026-11-20T10:01:30Z",
    "ended_at": None,
    "reason": None,
    "seats": [{**_SEAT_EXAMPLE, "refunded_at": None}],
}
_HISTORY_EXAMPLE: list[JsonValue] = [
    {"from_status": None, "to_status": "PENDING", "at": "2026-11-20T10:00:00Z", "reason": None},
    {"from_status": "PENDING", "to_status": "CONFIRMED", "at": "2026-11-20T10:01:30Z", "reason": None},
]


class OrderSeat(Seat):
    model_config = ConfigDict(json_schema_extra={"example": _SEAT_EXAMPLE})

    price: Money


class SoldSeat(OrderSeat):
    refunded_at: StoredInstant | None = Field(default=None, description="When its ticket was refunded.")


class Order(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": _ORDER_EXAMPLE})

    order_id: uuid.UUID
    user_id: uuid.UUID
    event_id: uuid.UUID
    status: OrderStatus
    total: Money
    held_until: StoredInstant
    created_at: StoredInstant
    confirmed_at: StoredInstant | None
    ended_at: StoredInstant | None
    reason: str | None
    seats: list[SoldSeat] = Field(
        description="A CONFIRMED order may have refunded seats; it is REFUNDED with the last of them."
    )


class OrderOfSeat(BaseModel):
    """The order with which a seat was sold."""

    order_id: uuid.UUID
    user_id: uuid.UUID = Field(description="The buyer; a transfer changes the seat's owner, not this.")
    event_id: uuid.UUID
    status: OrderStatus


class HistoryEntry(BaseModel):
    """One move of the status; the first has no `from_status`."""

    from_status: OrderStatus | None
    to_status: OrderStatus
    at: StoredInstant
    reason: str | None


class OrderWithHistory(Order):
    model_config = ConfigDict(json_schema_extra={"example": {**_ORDER_EXAMPLE, "history": _HISTORY_EXAMPLE}})

    history: list[HistoryEntry]


class OpenOrder(RepeatableCall):
    order_id: uuid.UUID
    user_id: uuid.UUID
    event_id: uuid.UUID
    total: Money
    held_until: Instant
    seats: Annotated[list[OrderSeat], Field(min_length=1, max_length=SEATS_PER_ORDER)]

    @model_validator(mode="after")
    def _names_each_seat_once(self) -> Self:
        if len({seat.seat_id for seat in self.seats}) != len(self.seats):
            raise ValueError("a seat is named twice")
        return self


class EndOrder(UndoCall):
    """The undo of opening."""

    status: Literal[OrderStatus.FAILED, OrderStatus.CANCELLED]
    reason: Reason


class EndedOrder(BaseModel):
    order_id: uuid.UUID
    status: OrderStatus | None = Field(description="null if the order was never opened")


class RefundOrder(RepeatableCall):
    reason: Reason


SeatIds = Annotated[list[uuid.UUID], Field(min_length=1, max_length=SEATS_PER_ORDER)]


class BeginSeatRefund(RepeatableCall):
    seat_ids: SeatIds


class RefundSeats(RefundOrder):
    seat_ids: SeatIds


class RefundableSeats(BaseModel):
    """The seats of an order whose refund may begin: neither refunded nor disputed."""

    order_id: uuid.UUID
    seat_ids: list[uuid.UUID]


class OwnerChange(BaseModel):
    """A completed transfer or sale of a ticket."""

    seat_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    price: Money
    completed_at: StoredInstant
