"""Letters: which there are, and what a job is given to send one."""

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

__all__ = ["Channel", "Email", "EmailContext", "EmailKind", "EmailRequest", "Place", "SeatLine"]


class Channel(enum.StrEnum):
    """By which way; the value is the kind of job that sends it."""

    EMAIL = "email"
    SMS = "sms"


class EmailKind(enum.StrEnum):
    """The value is the name of its template."""

    TICKETS_BOUGHT = "tickets_bought"
    TRANSFER_PENDING = "transfer_pending"
    TRANSFER_COMPLETED = "transfer_completed"
    TICKET_RECEIVED = "ticket_received"
    TRANSFER_FAILED = "transfer_failed"
    TRANSFER_REVERSED = "transfer_reversed"
    SALE_PENDING = "sale_pending"
    SALE_COMPLETED = "sale_completed"
    TICKET_RESOLD = "ticket_resold"
    SALE_FAILED = "sale_failed"
    ORDER_REFUNDED = "order_refunded"
    EVENT_CANCELLED = "event_cancelled"
    PAYMENT_PARTIALLY_PAID = "payment_partially_paid"
    PAYMENT_CONFIRMED = "payment_confirmed"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_REFUNDED = "payment_refunded"

    @property
    def brings_tickets(self) -> bool:
        """Whether the ones it tells of are the reader's from now on."""
        return self in {EmailKind.TICKETS_BOUGHT, EmailKind.TICKET_RECEIVED, EmailKind.TICKET_RESOLD}

    @property
    def asks_for_a_code(self) -> bool:
        """Whether it is of use only as long as the code it asks for."""
        return self in {EmailKind.TRANSFER_PENDING, EmailKind.SALE_PENDING}


class EmailRequest(BaseModel):
    """A job's payload: who is to be written to about what. `data` is the message's, as its reader may see it."""

    letter: EmailKind
    user_id: uuid.UUID
    data: dict[str, Any]


class Place(BaseModel):
    """Where and when."""

    event_name: str
    venue_name: str
    venue_address: str
    hall_id: str
    event_date: datetime


class SeatLine(BaseModel):
    seat_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int


class EmailContext(BaseModel):
    """What a letter can speak of. What does not apply is absent."""

    reader: str
    address: str
    place: Place | None = None
    seats: tuple[SeatLine, ...] = ()
    amount: Decimal | None = None
    other: str = ""
    """The other party of a transfer or a sale."""
    party: str = ""
    """What the reader is in it: seller or buyer."""
    expires_at: datetime | None = None
    reference: str = ""


class Email(BaseModel):
    """Ready to be sent."""

    subject: str
    text: str
    html: str
