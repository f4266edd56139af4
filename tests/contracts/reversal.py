"""Taking back a disputed transfer whose seller has spent most of the credits, for the contract."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.transfers.saga.reversal import Reversal, reversal_plan
from orchestrator.features.transfers.saga.transfer import Transfer
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import World
from tests.contracts.event_fixtures import PRICE, Hall
from tests.contracts.scenario import EndsByNothing
from tests.contracts.ticket_fixtures import CREDITS, Deals

__all__ = ["OUTLINE", "ReversalScenario"]

NOBODY: Final[Any] = None
OUTLINE: Final = reversal_plan(transfers=NOBODY, ledger=NOBODY, inventory=NOBODY)
"""The story without participants: its steps and their order."""
AMOUNT: Final = Decimal("30.00")
LEFT: Final = Decimal("10.00")
"""What the seller still has."""
_OWED: Final = """
    SELECT -coalesce(sum(amount), 0) AS owed FROM ledger_entries
    WHERE account_kind = 'receivable' AND account_owner = $1
"""


class ReversalScenario(EndsByNothing):
    """An admin, and a ticket that was handed over for 30 credits, of which the seller has 10 left."""

    def __init__(self, container: Container, world: World, transfer: Transfer) -> None:
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
        clients = container.resources.clients
        self.plan: AnyPlan = reversal_plan(
            transfers=clients.transfers, ledger=clients.ledger, inventory=clients.inventory
        )
        self._world = world

    @classmethod
    async def prepare(cls, container: Container, world: World, hall: Hall) -> "ReversalScenario":
        deals = Deals(container, world, hall)
        [owned] = await deals.buy()
        transfer = await deals.hand_over(owned, amount=AMOUNT)
        await world.spend(owned.owner_id, f"{CREDITS - PRICE + AMOUNT - LEFT}")
        await deals.dispute(transfer)
        return cls(container, world, transfer)

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, Reversal)
        assert saga.data.shortfall == AMOUNT - LEFT
        await self._assert_world(
            ["REVERSING", "REVERSED"], owner_id=self.data.seller_user_id, price_paid=PRICE, given_back=AMOUNT
        )
        assert await self._world.balance_of(self.data.seller_user_id) == 0
        assert await self._world.messages_about(self.data.transfer_id) == [
            "transfer.completed",
            "transfer.pending",
            "transfer.reversed",
        ]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        states = await self._world.transfer_states(self.data.transfer_id)
        moves = ["REVERSING", "DISPUTED"] if "REVERSING" in states else []
        await self._assert_world(moves, owner_id=self.data.buyer_user_id, price_paid=AMOUNT, given_back=Decimal(0))
        assert await self._world.balance_of(self.data.seller_user_id) == LEFT
        told = await self._world.messages_about(self.data.transfer_id)
        assert told == ["transfer.completed", "transfer.pending"]

    async def _assert_world(
        self, moves: list[str], *, owner_id: uuid.UUID, price_paid: Decimal, given_back: Decimal
    ) -> None:
        [seat] = await self._world.seats([self.data.seat_id])
        assert (seat["status"], seat["owner_user_id"], seat["price_paid"]) == ("SOLD", owner_id, price_paid)
        states = await self._world.transfer_states(self.data.transfer_id)
        assert states == ["PENDING_OTP", "COMPLETED", "DISPUTED", *moves]
        assert await self._world.balance_of(self.data.buyer_user_id) == CREDITS - AMOUNT + given_back
        [owed] = await self._world.read("users", _OWED, str(self.data.seller_user_id))
        assert owed["owed"] == max(given_back - LEFT, 0)
