"""Putting a ticket on the marketplace and taking it off, for the contract."""

import uuid
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.marketplace.saga.list_for_resale import ListForResale, list_for_resale_plan
from orchestrator.features.marketplace.saga.withdraw_listing import WithdrawListing, withdraw_listing_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import World
from tests.contracts.event_fixtures import Hall
from tests.contracts.scenario import EndsByNothing
from tests.contracts.ticket_fixtures import ASKING_PRICE, Deals, Owned

__all__ = ["LISTING_OUTLINE", "WITHDRAWAL_OUTLINE", "ListingScenario", "WithdrawalScenario"]

NOBODY: Final[Any] = None
LISTING_OUTLINE: Final = list_for_resale_plan(listings=NOBODY, inventory=NOBODY)
WITHDRAWAL_OUTLINE: Final = withdraw_listing_plan(listings=NOBODY, inventory=NOBODY)
"""The stories without participants: their steps and their order."""


class ListingScenario(EndsByNothing):
    """A fan with a ticket that nobody can buy yet."""

    def __init__(self, container: Container, world: World, owned: Owned) -> None:
        self.requested_by = owned.owner_id
        self.data = ListForResale(
            saga_id=uuid.uuid4(), ticket=owned.ticket, seller_user_id=owned.owner_id, asking_price=ASKING_PRICE
        )
        self.plan: AnyPlan = list_for_resale_plan(
            listings=container.resources.clients.listings, inventory=container.resources.clients.inventory
        )
        self._world = world

    @classmethod
    async def prepare(cls, container: Container, world: World, hall: Hall) -> "ListingScenario":
        [owned] = await Deals(container, world, hall).buy()
        return cls(container, world, owned)

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        assert await self._seat_status() == "LISTED"
        listing = await self._world.listing(self.data.listing_id)
        assert listing["states"] == ["OPENING", "ACTIVE"]
        assert listing["asking_price"] == ASKING_PRICE

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert await self._seat_status() == "SOLD"
        assert await self._world.listing(self.data.listing_id) == {}

    async def _seat_status(self) -> str:
        [seat] = await self._world.seats([self.data.ticket.seat_id])
        assert seat["owner_user_id"] == self.requested_by
        return str(seat["status"])


class WithdrawalScenario(EndsByNothing):
    """A fan with a ticket on the marketplace."""

    def __init__(self, container: Container, world: World, listing: ListForResale) -> None:
        self.requested_by = listing.seller_user_id
        self.data = WithdrawListing(
            saga_id=uuid.uuid4(),
            listing_id=listing.listing_id,
            seat_id=listing.ticket.seat_id,
            order_id=listing.ticket.order_id,
            seller_user_id=listing.seller_user_id,
        )
        self.plan: AnyPlan = withdraw_listing_plan(
            listings=container.resources.clients.listings, inventory=container.resources.clients.inventory
        )
        self._world = world

    @classmethod
    async def prepare(cls, container: Container, world: World, hall: Hall) -> "WithdrawalScenario":
        deals = Deals(container, world, hall)
        [owned] = await deals.buy()
        return cls(container, world, await deals.put_on_market(owned))

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        assert await self._states() == ("SOLD", ["OPENING", "ACTIVE", "WITHDRAWING", "CANCELLED"])

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert await self._states() in (
            ("LISTED", ["OPENING", "ACTIVE"]),
            ("LISTED", ["OPENING", "ACTIVE", "WITHDRAWING", "ACTIVE"]),
        )

    async def _states(self) -> tuple[str, list[str]]:
        [seat] = await self._world.seats([self.data.seat_id])
        assert seat["owner_user_id"] == self.requested_by
        listing = await self._world.listing(self.data.listing_id)
        return seat["status"], listing["states"]
