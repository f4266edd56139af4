"""Values that sagas store with their data. They never change."""

import enum
import uuid
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

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


def _is_empty(value: object) -> bool:
    return value is None or value == ()


class Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Seat(Fact):
    seat_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int
    price: Money


class Hold(Fact):
    """Seats held for one user until a time. `hold_id` may name an earlier hold of the same user."""

    hold_id: uuid.UUID
    held_until: datetime
    seats: tuple[Seat, ...]

    @property
    def total(self) -> Decimal:
        return sum((seat.price for seat in self.seats), start=Decimal("0.00"))


class SeatChoice(Fact):
    """Either seats by id, or a quantity in a category."""

    seat_ids: tuple[uuid.UUID, ...] = ()
    category: str = ""
    quantity: int = 0

    @property
    def operation(self) -> str:
        """The requested operation; an idempotency key belongs to one operation."""
        return "reserve" if self.seat_ids else "reserve best available"


class Charge(Fact):
    """A completed debit: its ledger transaction and the wallet's remaining balance."""

    transaction_id: uuid.UUID
    balance: Money


class Ticket(Seat):
    """A sold seat in a transfer or a resale. `price` is its face value."""

    order_id: uuid.UUID
    event_id: uuid.UUID


class ReturnedSeat(Fact):
    """A reclaimed seat, with its ticket's last owner, its original price, and what that owner had paid for it."""

    seat_id: uuid.UUID
    owner_user_id: uuid.UUID
    price: Money
    price_paid: Money = Decimal("0.00")  # unknown in sagas of an earlier release

    @property
    def premium(self) -> Decimal:
        """What the owner had paid above the original price."""
        return max(self.price_paid - self.price, Decimal("0.00"))


class CodeContext(enum.StrEnum):
    """The purpose of a one-time code. With a reference, such as an order's id, a code proves one thing only."""

    PURCHASE = "purchase"
    TRANSFER = "transfer"
    RESALE = "resale"


class LayoutRow(Fact):
    row_number: str
    seats: int


class LayoutCategory(Fact):
    """One price category of a hall: its rows, or its standing capacity."""

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
    halls: tuple[str, ...] = Field(default=(), exclude_if=_is_empty)
    time_zone: str | None = Field(default=None, exclude_if=_is_empty)


class EventDraft(Fact):
    """An event to be created; times are in UTC. The events service chooses what is None.

    A new optional field is left out while it is empty, so that the fingerprint of a repeated request stays the same.
    """

    name: str
    venue: Venue | None = None
    venue_id: uuid.UUID | None = None
    hall_id: str
    event_date: datetime
    layout: tuple[LayoutCategory, ...]
    resale_cap_percent: int | None = None
    refund_deadline_hours: int | None = None
    ends_at: datetime | None = Field(default=None, exclude_if=_is_empty)
    doors_open_at: datetime | None = Field(default=None, exclude_if=_is_empty)
    description: str | None = Field(default=None, exclude_if=_is_empty)
    sale_starts_at: datetime | None = Field(default=None, exclude_if=_is_empty)
    organiser_user_id: uuid.UUID | None = Field(default=None, exclude_if=_is_empty)

    @property
    def capacity(self) -> int:
        return sum(category.capacity for category in self.layout)


class OpenWork(Fact):
    """The orders, transfers and listings of a cancelled event that have not ended.

    `refunded_orders` counts all refunds so far. `disputes` keep paid orders open until an admin decides them.
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
