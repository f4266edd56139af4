"""A fan's own tickets."""

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from common.money import Money
from orchestrator.clients.events import VenueFacts


class TicketEvent(BaseModel):
    event_id: uuid.UUID
    name: str
    event_date: datetime
    hall_id: str
    venue: VenueFacts
    refundable_until: datetime | None = Field(
        description="The date has moved: the ticket may be refunded until then, whatever the deadline."
    )


class TicketView(BaseModel):
    """`status` is SOLD, LISTED or CHECKED_IN; `order_id` is that of the ticket's first buyer."""

    seat_id: uuid.UUID
    order_id: uuid.UUID
    event: TicketEvent
    category: str
    row_number: str
    seat_number: int
    status: str
    price_paid: Money
    purchased_at: datetime


class QrView(BaseModel):
    """The code to scan at check-in. Fetch a new one before it expires."""

    seat_id: uuid.UUID
    qr_payload: str
    generated_at: datetime
    expires_at: datetime
    ttl_seconds: int
