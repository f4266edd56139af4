"""Tickets, transfers and listings that precede a saga, made by the sagas that create them in production.

The platform's own engine runs them without faults, so that the databases contain all that they leave behind.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from orchestrator.clients.models import SeatChoice, Ticket
from orchestrator.container import Container
from orchestrator.features.marketplace.saga.list_for_resale import LIST_FOR_RESALE, ListForResale
from orchestrator.features.marketplace.saga.resale import Resale
from orchestrator.features.purchases.saga import PAY, PURCHASE, Purchase
from orchestrator.features.transfers.saga.transfer import CONFIRM, TRANSFER, Transfer
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent

__all__ = ["ASKING_PRICE", "CREDITS", "OwnedTicket", "TicketFixtures"]

CREDITS: Final = Decimal("500.00")
"""The initial credits of every fan."""
ASKING_PRICE: Final = Decimal("130.00")
ADDRESS: Final = "127.0.0.1"
TIME_ENOUGH: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OwnedTicket:
    """A ticket and its owner."""

    ticket: Ticket
    owner_id: uuid.UUID


class TicketFixtures:
    """Creates fans with tickets; raises if a saga fails."""

    def __init__(self, container: Container, databases: Databases, event: PublishedEvent) -> None:
        self._engine = container.resources.engine
        self._transfers = container.resources.clients.transfers
        self._databases = databases
        self._event = event

    async def new_fan(self) -> uuid.UUID:
        return await self._databases.new_fan(f"{CREDITS}")

    async def reserve(self, *, seats: int = 1) -> SagaRecord:
        """Let a new fan hold seats: a waiting purchase."""
        fan_id = await self.new_fan()
        purchase = Purchase(
            saga_id=uuid.uuid4(),
            user_id=fan_id,
            event_id=self._event.event_id,
            hall_id=self._event.hall_id,
            choice=SeatChoice(seat_ids=tuple(self._event.take(seats))),
        )
        saga = await self._engine.start(PURCHASE, purchase, requested_by=fan_id)
        assert saga.state is SagaState.WAITING, saga.error
        return saga

    async def buy(self, *, seats: int = 1) -> tuple[OwnedTicket, ...]:
        """Let a new fan buy seats."""
        saga = await self.reserve(seats=seats)
        paid = await self._engine.signal(saga.saga_id, PAY, kind=PURCHASE, signalled_by=saga.requested_by)
        assert paid is not None
        assert paid.state is SagaState.COMPLETED, paid.error
        assert isinstance(paid.data, Purchase)
        return tuple(
            OwnedTicket(
                Ticket(**seat.model_dump(), order_id=paid.saga_id, event_id=self._event.event_id), saga.requested_by
            )
            for seat in paid.data.existing_hold.seats
        )

    def transfer_of(self, owned: OwnedTicket, *, to: uuid.UUID, amount: Decimal) -> Transfer:
        return Transfer(
            saga_id=uuid.uuid4(),
            ticket=owned.ticket,
            seller_user_id=owned.owner_id,
            buyer_user_id=to,
            initiated_by_user_id=owned.owner_id,
            credits_amount=amount,
            price_paid_before=PRICE,
            expires_at=datetime.now(UTC) + TIME_ENOUGH,
            address=ADDRESS,
        )

    async def begin_transfer(self, owned: OwnedTicket, *, amount: Decimal, to: uuid.UUID | None = None) -> Transfer:
        """Offer a ticket to a fan, or to a new one: a waiting transfer."""
        transfer = self.transfer_of(owned, to=to or await self.new_fan(), amount=amount)
        saga = await self._engine.start(TRANSFER, transfer, requested_by=owned.owner_id)
        assert saga.state is SagaState.WAITING, saga.error
        return transfer

    async def complete_transfer(self, owned: OwnedTicket, *, amount: Decimal, to: uuid.UUID | None = None) -> Transfer:
        """Transfer a ticket to a fan, or to a new one."""
        transfer = await self.begin_transfer(owned, amount=amount, to=to)
        saga = await self._engine.signal(
            transfer.transfer_id, CONFIRM, kind=TRANSFER, signalled_by=transfer.seller_user_id
        )
        assert saga is not None
        assert saga.state is SagaState.COMPLETED, saga.error
        return transfer

    async def dispute(self, transfer: Transfer) -> None:
        await self._transfers.dispute(
            transfer.transfer_id, request_id=uuid.uuid4(), user_id=transfer.buyer_user_id, reason="a contract"
        )

    async def list_ticket(self, owned: OwnedTicket) -> ListForResale:
        listing = ListForResale(
            saga_id=uuid.uuid4(), ticket=owned.ticket, seller_user_id=owned.owner_id, asking_price=ASKING_PRICE
        )
        saga = await self._engine.start(LIST_FOR_RESALE, listing, requested_by=owned.owner_id)
        assert saga.state is SagaState.COMPLETED, saga.error
        return listing

    async def sale_of(self, listing: ListForResale) -> Resale:
        """Return the data of a sale to a new fan."""
        return Resale(
            saga_id=uuid.uuid4(),
            listing_id=listing.listing_id,
            seat_id=listing.ticket.seat_id,
            order_id=listing.ticket.order_id,
            event_id=listing.ticket.event_id,
            seller_user_id=listing.seller_user_id,
            buyer_user_id=await self.new_fan(),
            price=listing.asking_price,
            expires_at=datetime.now(UTC) + TIME_ENOUGH,
            address=ADDRESS,
        )
