"""Listing a ticket on the marketplace and withdrawing it, for the contract."""

import uuid
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.marketplace.saga.list_for_resale import ListForResale, list_for_resale_plan
from orchestrator.features.marketplace.saga.withdraw_listing import WithdrawListing, withdraw_listing_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import ASKING_PRICE, OwnedTicket, TicketFixtures

__all__ = ["LISTING_OUTLINE", "WITHDRAWAL_OUTLINE", "ListingScenario", "WithdrawalScenario"]

NO_CLIENT: Final[Any] = None
LISTING_OUTLINE: Final = list_for_resale_plan(NO_CLIENT)
WITHDRAWAL_OUTLINE: Final = withdraw_listing_plan(NO_CLIENT)
"""The plans without clients: their steps and their order."""


class ListingScenario(NothingLapses):
    """A fan with a ticket that is not listed yet."""

    def __init__(self, container: Container, databases: Databases, owned: OwnedTicket) -> None:
        self.requested_by = owned.owner_id
        self.data = ListForResale(
            saga_id=uuid.uuid4(), ticket=owned.ticket, seller_user_id=owned.owner_id, asking_price=ASKING_PRICE
        )
        self.plan: AnyPlan = list_for_resale_plan(container.resources.clients)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "ListingScenario":
        [owned] = await TicketFixtures(container, databases, event).buy()
        return cls(container, databases, owned)

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        assert await self._seat_status() == "LISTED"
        listing = await self._databases.listing(self.data.listing_id)
        assert listing["states"] == ["OPENING", "ACTIVE"]
        assert listing["asking_price"] == ASKING_PRICE

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert await self._seat_status() == "SOLD"
        assert await self._databases.listing(self.data.listing_id) == {}

    async def _seat_status(self) -> str:
        [seat] = await self._databases.seats([self.data.ticket.seat_id])
        assert seat["owner_user_id"] == self.requested_by
        return str(seat["status"])


class WithdrawalScenario(NothingLapses):
    """A fan with a listed ticket."""

    def __init__(self, container: Container, databases: Databases, listing: ListForResale) -> None:
        self.requested_by = listing.seller_user_id
        self.data = WithdrawListing(
            saga_id=uuid.uuid4(),
            listing_id=listing.listing_id,
            seat_id=listing.ticket.seat_id,
            order_id=listing.ticket.order_id,
            seller_user_id=listing.seller_user_id,
        )
        self.plan: AnyPlan = withdraw_listing_plan(container.resources.clients)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "WithdrawalScenario":
        tickets = TicketFixtures(container, databases, event)
        [owned] = await tickets.buy()
        return cls(container, databases, await tickets.list_ticket(owned))

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        assert await self._states() == ("SOLD", ["OPENING", "ACTIVE", "WITHDRAWING", "CANCELLED"])

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert await self._states() in (
            ("LISTED", ["OPENING", "ACTIVE"]),
            ("LISTED", ["OPENING", "ACTIVE", "WITHDRAWING", "ACTIVE"]),
        )

    async def _states(self) -> tuple[str, list[str]]:
        [seat] = await self._databases.seats([self.data.seat_id])
        assert seat["owner_user_id"] == self.requested_by
        listing = await self._databases.listing(self.data.listing_id)
        return seat["status"], listing["states"]
