"""The reversal of a disputed transfer after the seller has spent most of the credits, for the contract."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.transfers.saga.reversal import Reversal, reversal_plan
from orchestrator.features.transfers.saga.transfer import Transfer
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import CREDITS, TicketFixtures

__all__ = ["OUTLINE", "ReversalScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = reversal_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""
AMOUNT: Final = Decimal("30.00")
LEFT: Final = Decimal("10.00")
"""What the seller still has."""
_OWED: Final = """
    SELECT -coalesce(sum(amount), 0) AS owed FROM ledger_entries
    WHERE account_kind = 'receivable' AND account_owner = $1
"""


class ReversalScenario(NothingLapses):
    """An admin, and a ticket transferred for 30 credits, of which the seller has 10 left."""

    def __init__(self, container: Container, databases: Databases, transfer: Transfer) -> None:
        self.requested_by = uuid.uuid4()
        self.data = Reversal(
            saga_id=uuid.uuid4(),
            transfer_id=transfer.transfer_id,
            seat_id=transfer.ticket.seat_id,
            order_id=transfer.ticket.order_id,
            event_id=transfer.ticket.event_id,
            seller_user_id=transfer.seller_user_id,
            buyer_user_id=transfer.buyer_user_id,
            credits_amount=transfer.credits_amount,
            price_paid_before=transfer.price_paid_before,
        )
        self.plan: AnyPlan = reversal_plan(container.resources.clients)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "ReversalScenario":
        tickets = TicketFixtures(container, databases, event)
        [owned] = await tickets.buy()
        transfer = await tickets.complete_transfer(owned, amount=AMOUNT)
        await databases.spend(owned.owner_id, f"{CREDITS - PRICE + AMOUNT - LEFT}")
        await tickets.dispute(transfer)
        return cls(container, databases, transfer)

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, Reversal)
        assert saga.data.shortfall == AMOUNT - LEFT
        await self._assert_world(
            ["REVERSING", "REVERSED"], owner_id=self.data.seller_user_id, price_paid=PRICE, given_back=AMOUNT
        )
        assert await self._databases.balance_of(self.data.seller_user_id) == 0
        assert await self._databases.messages_about(self.data.transfer_id) == [
            "transfer.completed",
            "transfer.pending",
            "transfer.reversed",
        ]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        states = await self._databases.transfer_states(self.data.transfer_id)
        moves = ["REVERSING", "DISPUTED"] if "REVERSING" in states else []
        await self._assert_world(moves, owner_id=self.data.buyer_user_id, price_paid=AMOUNT, given_back=Decimal(0))
        assert await self._databases.balance_of(self.data.seller_user_id) == LEFT
        messages = await self._databases.messages_about(self.data.transfer_id)
        assert messages == ["transfer.completed", "transfer.pending"]

    async def _assert_world(
        self, moves: list[str], *, owner_id: uuid.UUID, price_paid: Decimal, given_back: Decimal
    ) -> None:
        [seat] = await self._databases.seats([self.data.seat_id])
        assert (seat["status"], seat["owner_user_id"], seat["price_paid"]) == ("SOLD", owner_id, price_paid)
        states = await self._databases.transfer_states(self.data.transfer_id)
        assert states == ["PENDING_OTP", "COMPLETED", "DISPUTED", *moves]
        assert await self._databases.balance_of(self.data.buyer_user_id) == CREDITS - AMOUNT + given_back
        [owed] = await self._databases.read("users", _OWED, str(self.data.seller_user_id))
        assert owed["owed"] == max(given_back - LEFT, 0)
