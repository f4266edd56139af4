"""Who takes part in sagas, as the sagas see them.

Every call that changes something is repeatable under its `Call`: the same ids, the same answer. No answer raises
`Unavailable`; a refusal raises the participant's own error, and stays a refusal for ever.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from common.money import Money
from orchestrator.engine.plan import Call

__all__ = [
    "Charge",
    "EventDraft",
    "EventRegister",
    "Hold",
    "LayoutCategory",
    "LayoutRow",
    "OrderBook",
    "Seat",
    "SeatChoice",
    "SeatInventory",
    "Venue",
    "Wallet",
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
    """A concert to be: `event_date` in UTC, prices by category."""

    name: str
    venue: Venue | None = None
    venue_id: uuid.UUID | None = None
    hall_id: str
    event_date: datetime
    layout: tuple[LayoutCategory, ...]

    @property
    def capacity(self) -> int:
        return sum(category.capacity for category in self.layout)


class SeatInventory(Protocol):
    async def hold(
        self, call: Call, *, hold_id: uuid.UUID, event_id: uuid.UUID, user_id: uuid.UUID, choice: SeatChoice
    ) -> Hold:
        """Hold seats, all or none. A seat that is taken or being taken: SEAT_UNAVAILABLE, at once."""
        ...

    async def release(self, call: Call, *, hold_id: uuid.UUID) -> None: ...

    async def sell(self, call: Call, *, hold_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Sell what is held. When the hold is over: HOLD_EXPIRED."""
        ...

    async def provision(self, call: Call, *, event_id: uuid.UUID, layout: Sequence[LayoutCategory]) -> int:
        """Create a hall's seats and return how many."""
        ...

    async def discard(self, call: Call, *, event_id: uuid.UUID) -> None: ...


class OrderBook(Protocol):
    async def open(
        self, call: Call, *, order_id: uuid.UUID, user_id: uuid.UUID, event_id: uuid.UUID, hold: Hold
    ) -> None: ...

    async def confirm(self, call: Call, *, order_id: uuid.UUID) -> None: ...

    async def end(self, call: Call, *, order_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the order becomes FAILED or CANCELLED, for the reason the call gives."""
        ...


class Wallet(Protocol):
    async def charge(
        self, call: Call, *, user_id: uuid.UUID, event_id: uuid.UUID, amount: Decimal, reference: uuid.UUID
    ) -> Charge:
        """Debit the wallet. Too little in it: INSUFFICIENT_CREDITS."""
        ...

    async def refund(self, call: Call) -> None:
        """Give back what was charged by the action that the call undoes, if anything was."""
        ...


class EventRegister(Protocol):
    async def draft(self, call: Call, *, event_id: uuid.UUID, draft: EventDraft) -> None: ...

    async def discard(self, call: Call, *, event_id: uuid.UUID) -> None: ...

    async def publish(self, call: Call, *, event_id: uuid.UUID) -> dict[str, Any]:
        """Make the event visible and return it."""
        ...
