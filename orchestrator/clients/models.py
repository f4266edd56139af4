"""What sagas know of the world: values that are stored with them and never change."""

import enum
import uuid
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from common.money import Money

__all__ = [
    "Charge",
    "CodeContext",
    "EventDraft",
    "Hold",
    "LayoutCategory",
    "LayoutRow",
    "OpenWork",
    "ReturnedSeat",
    "Seat",
    "SeatChoice",
    "Ticket",
    "Venue",
]


class Fact(BaseModel):
    """A value that is stored with a saga; it never changes."""

    model_config = ConfigDict(frozen=True)


class Seat(Fact):
    seat_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int
    price: Money


class Hold(Fact):
    """Seats held for one user until a time. `hold_id` may be that of a hold the user already had."""

    hold_id: uuid.UUID
    held_until: datetime
    seats: tuple[Seat, ...]

    @property
    def total(self) -> Decimal:
        return sum((seat.price for seat in self.seats), start=Decimal("0.00"))


class SeatChoice(Fact):
    """Either the seats by id, or so many of a category."""

    seat_ids: tuple[uuid.UUID, ...] = ()
    category: str = ""
    quantity: int = 0

    @property
    def operation(self) -> str:
        """What was asked for; an idempotency key belongs to one operation."""
        return "reserve" if self.seat_ids else "reserve best available"


class Charge(Fact):
    """A debit that was made: its ledger transaction, and what is left in the wallet."""

    transaction_id: uuid.UUID
    balance: Money


class Ticket(Fact):
    """A sold seat as a party to a transfer or a sale knows it. `price` is its face value."""

    seat_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int
    price: Money


class ReturnedSeat(Fact):
    """A seat that was taken back, with who had its ticket and what it had cost at the box office."""

    seat_id: uuid.UUID
    owner_user_id: uuid.UUID
    price: Money


class CodeContext(enum.StrEnum):
    """What a one-time code is for. With a reference, such as an order's id, it proves one thing only."""

    PURCHASE = "purchase"
    TRANSFER = "transfer"
    RESALE = "resale"


class LayoutRow(Fact):
    row_number: str
    seats: int


class LayoutCategory(Fact):
    """One price category of a hall: its rows, or how many may stand."""

    category: str
    price: Money
    rows: tuple[LayoutRow, ...] = ()
    general_admission: int = 0

    @property
    def capacity(self) -> int:
        return self.general_admission or sum(row.seats for row in self.rows)


class Venue(Fact):
    name: str
    address: str = ""
    total_halls: int = 1


class EventDraft(Fact):
    """A concert to be: `event_date` in UTC, prices by category. What is None the events service decides."""

    name: str
    venue: Venue | None = None
    venue_id: uuid.UUID | None = None
    hall_id: str
    event_date: datetime
    layout: tuple[LayoutCategory, ...]
    resale_cap_percent: int | None = None
    refund_deadline_hours: int | None = None

    @property
    def capacity(self) -> int:
        return sum(category.capacity for category in self.layout)


class OpenWork(Fact):
    """What is left of a cancelled event: paid and unpaid orders, transfers and listings that have not ended.

    `refunded_orders` are those of all time. `disputes` keep paid orders open until an admin decides them.
    """

    confirmed_orders: int = 0
    pending_orders: int = 0
    refunded_orders: int = 0
    transfers: int = 0
    disputes: int = 0
    listings: int = 0

    @property
    def is_done(self) -> bool:
        return not (self.confirmed_orders or self.pending_orders or self.transfers or self.listings)
