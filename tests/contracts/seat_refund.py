"""The refund of two of an order's three seats, for the contract: one was resold twice, another ticket is disputed."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.refunds.saga import Refund, refund_seats_plan
from orchestrator.features.refunds.service import refund_of
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import CREDITS, OwnedTicket, TicketFixtures

__all__ = ["OUTLINE", "SeatRefundScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = refund_seats_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""
FIRST, SECOND = Decimal("125.00"), Decimal("140.00")
"""What the second owner and the last owner of the resold ticket had paid."""
_OWED: Final = """
    SELECT -coalesce(sum(amount), 0) AS owed FROM ledger_entries
    WHERE account_kind = 'receivable' AND account_owner = $1
"""
_STATUS: Final = "SELECT seat_id, status, owner_user_id FROM seats WHERE seat_id = ANY($1)"
_REFUNDED: Final = "SELECT seat_id FROM order_seats WHERE order_id = $1 AND refunded_at IS NOT NULL"


class SeatRefundScenario(NothingLapses):
    """An admin, the buyer of the order, two owners of one ticket after another, and the owner of a disputed one.

    The second owner has spent everything.
    """

    def __init__(
        self, container: Container, databases: Databases, refund: Refund, *, owners: list[uuid.UUID], kept: uuid.UUID
    ) -> None:
        self.requested_by = uuid.uuid4()
        self.data = refund
        self.plan: AnyPlan = refund_seats_plan(container.resources.clients)
        self._databases = databases
        self._buyer_id, self._second_id, self._last_id = owners
        self._kept = kept

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "SeatRefundScenario":
        tickets = TicketFixtures(container, databases, event)
        resold, own, disputed = await tickets.buy(seats=3)
        first = await tickets.complete_transfer(resold, amount=FIRST)
        second = await tickets.complete_transfer(OwnedTicket(resold.ticket, first.buyer_user_id), amount=SECOND)
        await tickets.dispute(await tickets.complete_transfer(disputed, amount=Decimal("0.00")))
        await databases.spend(first.buyer_user_id, f"{CREDITS - FIRST + SECOND}")
        purchase = await container.resources.engine.log.find(resold.ticket.order_id)
        assert purchase is not None
        seat_ids = tuple(sorted(owned.ticket.seat_id for owned in (resold, own)))
        engine = container.resources.engine
        refund = refund_of(engine, purchase, saga_id=uuid.uuid4(), reason="a contract", is_forced=True)
        owners = [resold.owner_id, first.buyer_user_id, second.buyer_user_id]
        return cls(
            container,
            databases,
            refund.model_copy(update={"seat_ids": seat_ids}),
            owners=owners,
            kept=disputed.ticket.seat_id,
        )

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, Refund)
        assert saga.data.order_status == "CONFIRMED"
        assert saga.data.credits_returned == {self._buyer_id: PRICE, self._last_id: SECOND}
        await self._assert_seats(free=set(self.data.seat_ids))
        order_id = self.data.order_id
        assert await self._databases.movements_of(order_id) == ["deduct", "refund"]
        assert await self._databases.movements_of(self.data.saga_id) == ["transfer_reversal"] * 2
        # The second owner returns the profit of the second sale, the buyer that of the first.
        assert await self._databases.balance_of(self._last_id) == CREDITS
        assert await self._databases.balance_of(self._second_id) == 0
        assert await self._owed(self._second_id) == SECOND - FIRST
        assert await self._databases.balance_of(self._buyer_id) == CREDITS - 3 * PRICE + FIRST + PRICE - (FIRST - PRICE)
        assert await self._databases.messages_about(order_id) == ["order.confirmed", "order.refunded", "seat.hold"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        await self._assert_seats(free=set())
        order_id = self.data.order_id
        assert await self._databases.movements_of(order_id) == ["deduct"]
        assert await self._databases.movements_of(self.data.saga_id) == []
        assert await self._databases.balance_of(self._last_id) == CREDITS - SECOND
        assert await self._databases.balance_of(self._buyer_id) == CREDITS - 3 * PRICE + FIRST
        assert await self._databases.messages_about(order_id) == ["order.confirmed", "seat.hold"]

    async def _assert_seats(self, *, free: set[uuid.UUID]) -> None:
        seats = await self._databases.read("inventory", _STATUS, [*self.data.seat_ids, self._kept])
        assert {seat["seat_id"] for seat in seats if seat["status"] == "AVAILABLE"} == free
        refunded = await self._databases.read("orders", _REFUNDED, self.data.order_id)
        assert {seat["seat_id"] for seat in refunded} == free
        assert await self._databases.order_states(self.data.order_id) == ["PENDING", "CONFIRMED"]

    async def _owed(self, user_id: uuid.UUID) -> Decimal:
        [row] = await self._databases.read("users", _OWED, str(user_id))
        owed: Decimal = row["owed"]
        return owed
