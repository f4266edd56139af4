"""The refund of an order as the previous release stores it, for the contract: one ticket was transferred to a friend."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.refunds.saga import Refund, refund_order_plan
from orchestrator.features.refunds.service import refund_of
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import CREDITS, TicketFixtures

__all__ = ["OUTLINE", "RefundScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = refund_order_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""
SEATS: Final = 2


class RefundScenario(NothingLapses):
    """An admin, a fan who bought two tickets, and a friend who owns one of them."""

    def __init__(
        self,
        container: Container,
        databases: Databases,
        refund: Refund,
        *,
        friend_id: uuid.UUID,
        seat_ids: list[uuid.UUID],
    ) -> None:
        self.requested_by = uuid.uuid4()
        self.data = refund
        clients = container.resources.clients
        self.plan: AnyPlan = refund_order_plan(clients)
        self._databases = databases
        self._friend_id = friend_id
        self._seat_ids = seat_ids

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "RefundScenario":
        tickets = TicketFixtures(container, databases, event)
        bought = await tickets.buy(seats=SEATS)
        present = await tickets.complete_transfer(bought[0], amount=Decimal("0.00"))
        purchase = await container.resources.engine.log.find(bought[0].ticket.order_id)
        assert purchase is not None
        engine = container.resources.engine
        refund = refund_of(engine, purchase, saga_id=uuid.uuid4(), reason="a contract", is_forced=True)
        seat_ids = [owned.ticket.seat_id for owned in bought]
        return cls(container, databases, refund, friend_id=present.buyer_user_id, seat_ids=seat_ids)

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, Refund)
        assert saga.data.shares == {self.data.buyer_user_id: PRICE, self._friend_id: PRICE}
        assert {seat["status"] for seat in await self._databases.seats(self._seat_ids)} == {"AVAILABLE"}
        await self._assert_books(["REFUNDED"], movements=["refund"], share=PRICE)
        messages = await self._databases.messages_about(self.data.order_id)
        assert messages == ["order.confirmed", "order.refunded", "seat.hold"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        owners = {seat["owner_user_id"] for seat in await self._databases.seats(self._seat_ids)}
        assert owners == {self.data.buyer_user_id, self._friend_id}
        await self._assert_books([], movements=[], share=Decimal(0))
        assert await self._databases.messages_about(self.data.order_id) == ["order.confirmed", "seat.hold"]

    async def _assert_books(self, moves: list[str], *, movements: list[str], share: Decimal) -> None:
        order_id = self.data.order_id
        assert await self._databases.order_states(order_id) == ["PENDING", "CONFIRMED", *moves]
        assert await self._databases.movements_of(order_id) == ["deduct", *movements]
        assert await self._databases.balance_of(self.data.buyer_user_id) == CREDITS - SEATS * PRICE + share
        assert await self._databases.balance_of(self._friend_id) == CREDITS + share
