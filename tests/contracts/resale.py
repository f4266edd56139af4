"""A sale between fans, for the contract."""

from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.marketplace.saga.resale import Resale, resale_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import ASKING_PRICE, CREDITS, TicketFixtures

__all__ = ["OUTLINE", "ResaleScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = resale_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""


class ResaleScenario(NothingLapses):
    """A listed ticket, and a fan who buys it."""

    def __init__(self, container: Container, databases: Databases, sale: Resale) -> None:
        self.data = sale
        self.requested_by = sale.buyer_user_id
        self.plan: AnyPlan = resale_plan(container.resources.clients)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "ResaleScenario":
        tickets = TicketFixtures(container, databases, event)
        [owned] = await tickets.buy()
        return cls(container, databases, await tickets.sale_of(await tickets.list_ticket(owned)))

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        sale = self.data
        [seat] = await self._databases.seats([sale.seat_id])
        assert (seat["status"], seat["owner_user_id"], seat["price_paid"]) == ("SOLD", sale.buyer_user_id, ASKING_PRICE)
        listing = await self._databases.listing(sale.listing_id)
        assert listing["states"] == ["OPENING", "ACTIVE", "PENDING_TRANSFER", "COMPLETED"]
        assert (listing["sale_id"], listing["buyer_user_id"]) == (sale.sale_id, sale.buyer_user_id)
        assert await self._databases.escrows_of(sale.sale_id) == ["RELEASED"]
        assert await self._databases.balance_of(sale.buyer_user_id) == CREDITS - ASKING_PRICE
        assert await self._databases.balance_of(sale.seller_user_id) == CREDITS - PRICE + ASKING_PRICE
        assert await self._databases.messages_about(sale.sale_id) == ["sale.completed", "sale.pending"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        sale = self.data
        [seat] = await self._databases.seats([sale.seat_id])
        assert (seat["status"], seat["owner_user_id"], seat["price_paid"]) == ("LISTED", sale.seller_user_id, PRICE)
        listing = await self._databases.listing(sale.listing_id)
        assert listing["states"] in (
            ["OPENING", "ACTIVE"],
            ["OPENING", "ACTIVE", "PENDING_TRANSFER", "ACTIVE"],
        )
        assert (listing["sale_id"], listing["buyer_user_id"], listing["expires_at"]) == (None, None, None)
        assert await self._databases.codes_for(sale.sale_id) == set()
        assert await self._databases.escrows_of(sale.sale_id) in ([], ["VOIDED"])
        assert await self._databases.balance_of(sale.buyer_user_id) == CREDITS
        assert await self._databases.balance_of(sale.seller_user_id) == CREDITS - PRICE
        messages = await self._databases.messages_about(sale.sale_id)
        assert messages in ([], ["sale.failed", "sale.pending"])
