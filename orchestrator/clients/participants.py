"""Who takes part in sagas, as the sagas see them.

Every call that changes something is repeatable under its `Call`: the same ids, the same answer. No answer raises
`Unavailable`; a refusal raises the participant's own error, and stays a refusal for ever.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from orchestrator.clients.models import (
    Charge,
    CodeContext,
    EventDraft,
    Hold,
    LayoutCategory,
    OpenWork,
    ReturnedSeat,
    SeatChoice,
    Ticket,
)
from orchestrator.saga_engine.plan import Call

__all__ = [
    "Clearance",
    "EventRegister",
    "ListingBook",
    "OneTimeCodes",
    "OrderBook",
    "SeatInventory",
    "TransferBook",
    "Wallet",
]


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

    async def hand_over(
        self,
        call: Call,
        *,
        seat_id: uuid.UUID,
        order_id: uuid.UUID,
        from_user_id: uuid.UUID,
        to_user_id: uuid.UUID,
        price_paid: Decimal,
        was_listed: bool = False,
        is_forced: bool = False,
    ) -> None:
        """Change a ticket's owner. When it is not (any more) theirs: NOT_SEAT_OWNER; used, or listed: SEAT_UNAVAILABLE.

        The event's sale has ended: EVENT_ENDED.

        Args:
            order_id: the order the ticket was bought with: the same seat sold anew is another ticket.
            was_listed: the ticket is expected to be listed for resale, and is not afterwards.
            is_forced: also when the event's sale has ended.
        """
        ...

    async def list_for_resale(
        self, call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
    ) -> None:
        """Put a ticket on sale: its code opens no door from now on. Raises as `hand_over`; EVENT_ENDED."""
        ...

    async def withdraw_from_resale(
        self, call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
    ) -> None: ...

    async def reclaim(
        self, call: Call, *, order_id: uuid.UUID, buyer_user_id: uuid.UUID, is_forced: bool
    ) -> tuple[ReturnedSeat, ...]:
        """Take an order's seats back, all or none. One that is listed, used or handed over: a refusal.

        Args:
            is_forced: used and handed-over ones are taken back all the same.
        """
        ...

    async def close_event(self, call: Call, *, event_id: uuid.UUID) -> None:
        """From now on nothing of the event is held, sold or listed."""
        ...


class OrderBook(Protocol):
    async def open(
        self, call: Call, *, order_id: uuid.UUID, user_id: uuid.UUID, event_id: uuid.UUID, hold: Hold
    ) -> None: ...

    async def confirm(self, call: Call, *, order_id: uuid.UUID) -> None: ...

    async def end(self, call: Call, *, order_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the order becomes FAILED or CANCELLED, for the reason the call gives."""
        ...

    async def begin_refund(self, call: Call, *, order_id: uuid.UUID) -> None:
        """Let no ticket of the order be disputed from now on. One is already: TRANSFER_INVALID_STATE."""
        ...

    async def abandon_refund(self, call: Call, *, order_id: uuid.UUID) -> None: ...

    async def refund(self, call: Call, *, order_id: uuid.UUID, reason: str) -> None: ...


class TransferBook(Protocol):
    async def open(
        self,
        call: Call,
        *,
        transfer_id: uuid.UUID,
        ticket: Ticket,
        seller_user_id: uuid.UUID,
        buyer_user_id: uuid.UUID,
        initiated_by_user_id: uuid.UUID,
        credits_amount: Decimal,
        expires_at: datetime,
    ) -> None:
        """Open a transfer. When the ticket is in another: TRANSFER_IN_PROGRESS; on sale: LISTING_INVALID_STATE."""
        ...

    async def end(self, call: Call, *, transfer_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the transfer becomes FAILED or CANCELLED, for the reason the call gives."""
        ...

    async def complete(self, call: Call, *, transfer_id: uuid.UUID) -> None: ...

    async def begin_reversal(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        """Begin to reverse a disputed transfer. Any other one: TRANSFER_INVALID_STATE."""
        ...

    async def abandon_reversal(self, call: Call, *, transfer_id: uuid.UUID) -> None: ...

    async def reverse(self, call: Call, *, transfer_id: uuid.UUID) -> None: ...


class ListingBook(Protocol):
    async def open(
        self, call: Call, *, listing_id: uuid.UUID, ticket: Ticket, seller_user_id: uuid.UUID, asking_price: Decimal
    ) -> None:
        """Open a listing. When the ticket has one: LISTING_INVALID_STATE; is in a transfer: TRANSFER_IN_PROGRESS."""
        ...

    async def discard(self, call: Call, *, listing_id: uuid.UUID) -> None: ...

    async def activate(self, call: Call, *, listing_id: uuid.UUID) -> None: ...

    async def begin_withdrawal(self, call: Call, *, listing_id: uuid.UUID) -> None:
        """Take a listing off the market. One that is not ACTIVE: LISTING_INVALID_STATE."""
        ...

    async def abandon_withdrawal(self, call: Call, *, listing_id: uuid.UUID) -> None: ...

    async def cancel(self, call: Call, *, listing_id: uuid.UUID) -> None: ...

    async def claim(
        self,
        call: Call,
        *,
        listing_id: uuid.UUID,
        sale_id: uuid.UUID,
        buyer_user_id: uuid.UUID,
        expires_at: datetime,
    ) -> None:
        """Take a listing for one buyer. One that is not ACTIVE (any more): LISTING_INVALID_STATE."""
        ...

    async def release_claim(self, call: Call, *, listing_id: uuid.UUID, sale_id: uuid.UUID) -> None: ...

    async def complete(self, call: Call, *, listing_id: uuid.UUID, sale_id: uuid.UUID) -> None: ...


class OneTimeCodes(Protocol):
    async def send(
        self,
        call: Call,
        *,
        user_id: uuid.UUID,
        requested_by_user_id: uuid.UUID,
        context: CodeContext,
        reference: uuid.UUID,
        address: str,
    ) -> None:
        """Send a code to the user's phone.

        Args:
            requested_by_user_id, address: who caused it, and where they are; it is they who can cause so many only.
        """
        ...

    async def withdraw(self, call: Call, *, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID) -> None: ...


class Wallet(Protocol):
    async def charge(
        self, call: Call, *, user_id: uuid.UUID, event_id: uuid.UUID, amount: Decimal, reference: uuid.UUID
    ) -> Charge:
        """Debit the wallet. Too little in it: INSUFFICIENT_CREDITS; a flagged user without a proof: OTP_REQUIRED."""
        ...

    async def refund(self, call: Call) -> None:
        """Give back what was charged by the action that the call undoes, if anything was."""
        ...

    async def pay_back(
        self, call: Call, *, charge_request_id: uuid.UUID, recipients: Mapping[uuid.UUID, Decimal], reason: str
    ) -> None:
        """Reverse a charge in favour of the recipients, who get all of it between them."""
        ...

    async def hold_escrow(self, call: Call, *, user_id: uuid.UUID, amount: Decimal, reference: uuid.UUID) -> uuid.UUID:
        """Set credits aside and return the escrow's id. Too few: INSUFFICIENT_CREDITS."""
        ...

    async def void_escrow(self, call: Call) -> None:
        """Give back what was set aside by the action that the call undoes, if anything was."""
        ...

    async def release_escrow(self, call: Call, *, escrow_id: uuid.UUID, to_user_id: uuid.UUID) -> None: ...

    async def claw_back(
        self,
        call: Call,
        *,
        from_user_id: uuid.UUID,
        to_user_id: uuid.UUID,
        amount: Decimal,
        reference: uuid.UUID,
    ) -> Decimal:
        """Move credits whether they are there or not, and return how many were not: those are owed from now on."""
        ...


class EventRegister(Protocol):
    async def draft(self, call: Call, *, event_id: uuid.UUID, draft: EventDraft) -> None: ...

    async def discard(self, call: Call, *, event_id: uuid.UUID) -> None: ...

    async def publish(self, call: Call, *, event_id: uuid.UUID) -> dict[str, Any]:
        """Make the event visible and return it."""
        ...

    async def cancel(self, call: Call, *, event_id: uuid.UUID) -> None:
        """Cancel a published event. Any other one: EVENT_INVALID_STATE."""
        ...


class Clearance(Protocol):
    async def count(self, event_id: uuid.UUID) -> OpenWork: ...

    async def clear_some(self, *, event_id: uuid.UUID, cancellation_id: uuid.UUID) -> OpenWork:
        """End some of what is open at a cancelled event and return what is left.

        Doing it twice does no harm.
        """
        ...
