"""The cancellation of an event with an open deal of every kind, for the contract."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.event_cancellation.saga.cancel_event import CancelEvent, cancel_event_plan
from orchestrator.features.event_cancellation.saga.processor import EventCancellationProcessor
from orchestrator.features.marketplace.saga.list_for_resale import ListForResale
from orchestrator.features.transfers.saga.transfer import Transfer
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent, publish_event
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import CREDITS, TicketFixtures

__all__ = ["OUTLINE", "CancelEventScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = cancel_event_plan(NO_CLIENT, NO_CLIENT)
"""The plan without clients: its steps and their order."""
_EVENT: Final = "SELECT status FROM events WHERE event_id = $1"
_SEATS: Final = "SELECT status, count(*) FROM seats WHERE event_id = $1 GROUP BY status"
_CLOSED: Final = "SELECT FROM closed_events WHERE event_id = $1"


@dataclass(frozen=True, kw_only=True)
class OpenDeals:
    """Two paid orders, one with its ticket listed, one with a pending transfer; and one unpaid order."""

    listing: ListForResale
    transfer: Transfer
    pending_order_id: uuid.UUID
    pending_user_id: uuid.UUID

    @property
    def paid_order_ids(self) -> list[uuid.UUID]:
        return [self.listing.ticket.order_id, self.transfer.ticket.order_id]

    @property
    def payers(self) -> list[uuid.UUID]:
        return [self.listing.seller_user_id, self.transfer.seller_user_id]


class CancelEventScenario(NothingLapses):
    """An admin, and an event with open deals."""

    def __init__(
        self, container: Container, databases: Databases, event: PublishedEvent, open_deals: OpenDeals
    ) -> None:
        self.requested_by = uuid.uuid4()
        self.data = CancelEvent(saga_id=uuid.uuid4(), event_id=event.event_id, cancelled_by_user_id=self.requested_by)
        clients = container.resources.clients
        processor = EventCancellationProcessor(lambda: container.resources.engine, clients)
        self.plan: AnyPlan = cancel_event_plan(clients, processor)
        self._databases = databases
        self.open_deals = open_deals

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "CancelEventScenario":
        event = await publish_event(container.resources.clients, rows=1)
        tickets = TicketFixtures(container, databases, event)
        [for_market], [for_friend] = await tickets.buy(), await tickets.buy()
        pending = await tickets.reserve()
        open_deals = OpenDeals(
            listing=await tickets.list_ticket(for_market),
            transfer=await tickets.begin_transfer(for_friend, amount=Decimal("30.00")),
            pending_order_id=pending.saga_id,
            pending_user_id=pending.requested_by,
        )
        return cls(container, databases, event, open_deals)

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, CancelEvent)
        assert (saga.data.orders_total, saga.data.orders_refunded) == (2, 2)
        assert await self._event_status() == "CANCELLED"
        assert await self._seats() == {"AVAILABLE": 20}
        assert len(await self._databases.read("inventory", _CLOSED, self.data.event_id)) == 1
        await self._assert_ended("refund", ["REFUNDED"], given_back=PRICE)
        listing = await self._databases.listing(self.open_deals.listing.listing_id)
        assert listing["states"] == ["OPENING", "ACTIVE", "WITHDRAWING", "CANCELLED"]
        states = await self._databases.transfer_states(self.open_deals.transfer.transfer_id)
        assert states == ["PENDING_OTP", "FAILED"]
        assert await self._databases.order_states(self.open_deals.pending_order_id) == ["PENDING", "FAILED"]
        assert await self._databases.messages_about(self.data.event_id) == ["event.cancelled"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert await self._event_status() == "PUBLISHED"
        assert await self._seats() == {"AVAILABLE": 17, "SOLD": 1, "LISTED": 1, "HELD": 1}
        assert await self._databases.read("inventory", _CLOSED, self.data.event_id) == []
        await self._assert_ended("", [], given_back=Decimal(0))
        assert (await self._databases.listing(self.open_deals.listing.listing_id))["status"] == "ACTIVE"
        assert await self._databases.transfer_states(self.open_deals.transfer.transfer_id) == ["PENDING_OTP"]
        assert await self._databases.order_states(self.open_deals.pending_order_id) == ["PENDING"]
        assert await self._databases.messages_about(self.data.event_id) == []

    async def _assert_ended(self, movement: str, moves: list[str], *, given_back: Decimal) -> None:
        """Check the paid orders, and the credits of all users."""
        for order_id in self.open_deals.paid_order_ids:
            assert await self._databases.order_states(order_id) == ["PENDING", "CONFIRMED", *moves]
            assert await self._databases.movements_of(order_id) == ["deduct", *filter(None, [movement])]
        for payer_id in self.open_deals.payers:
            assert await self._databases.balance_of(payer_id) == CREDITS - PRICE + given_back
        for user_id in (self.open_deals.pending_user_id, self.open_deals.transfer.buyer_user_id):
            assert await self._databases.balance_of(user_id) == CREDITS

    async def _event_status(self) -> str:
        [event] = await self._databases.read("events", _EVENT, self.data.event_id)
        return str(event["status"])

    async def _seats(self) -> dict[str, int]:
        rows = await self._databases.read("inventory", _SEATS, self.data.event_id)
        return {row["status"]: row["count"] for row in rows}
