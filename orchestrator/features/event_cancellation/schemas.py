"""How far the cancellation of an event is."""

import uuid
from typing import Literal

from pydantic import BaseModel

__all__ = ["EventCancellation"]


class EventCancellation(BaseModel):
    """How far the cancellation is. `orders_total` counts the refunded and the paid orders; `state` is the saga's.

    An order with a disputed ticket stays open until an admin has decided the dispute.
    """

    event_id: uuid.UUID
    saga_id: uuid.UUID
    status: Literal["CANCELLED"] = "CANCELLED"
    state: str
    orders_total: int
    orders_refunded: int
    open_orders: int
    open_transfers: int
    open_disputes: int
    open_listings: int
