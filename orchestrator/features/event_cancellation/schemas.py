"""The progress of an event's cancellation."""

import uuid
from typing import Literal

from pydantic import BaseModel


class EventCancellation(BaseModel):
    """The progress. `orders_total` counts refunded and paid orders; `state` is the saga's.

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
