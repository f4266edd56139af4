"""The progress of an event's cancellation."""

import uuid
from typing import Literal

from pydantic import BaseModel


class EventCancellation(BaseModel):
    """The progress. `orders_total` counts refunded and paid orders; `state` is the saga's.

    A disputed ticket keeps its order open until an admin has decided the dispute. The other tickets are refunded at once.
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
