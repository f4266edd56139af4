"""Orders given back, and events called off."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from common.fields import PlainText
from common.money import Money

__all__ = ["EventCancellation", "RefundRequest", "Refunded"]


class RefundRequest(BaseModel):
    reason: Annotated[PlainText, Field(max_length=200)] = ""


class Refunded(BaseModel):
    """`credits_returned` went to whoever had the tickets."""

    order_id: uuid.UUID
    status: Literal["REFUNDED"] = "REFUNDED"
    credits_returned: Money


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
