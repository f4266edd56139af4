"""A transfer of a ticket for credits, for the contract."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.transfers.saga.transfer import Transfer, transfer_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import CREDITS, TicketFixtures

__all__ = ["OUTLINE", "TransferScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = transfer_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""
AMOUNT: Final = Decimal("30.00")


class TransferScenario(NothingLapses):
    """A fan with a ticket, a fan with credits, and the transfer from the one to the other."""

    def __init__(self, container: Container, databases: Databases, transfer: Transfer) -> None:
        self.data = transfer
        self.requested_by = transfer.seller_user_id
        self.plan: AnyPlan = transfer_plan(container.resources.clients)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "TransferScenario":
        tickets = TicketFixtures(container, databases, event)
        [owned] = await tickets.buy()
        return cls(container, databases, tickets.transfer_of(owned, to=await tickets.new_fan(), amount=AMOUNT))

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        transfer = self.data
        await self._assert_ticket_is(transfer.buyer_user_id, price_paid=AMOUNT)
        assert await self._databases.transfer_states(transfer.transfer_id) == ["PENDING_OTP", "COMPLETED"]
        assert await self._databases.escrows_of(transfer.transfer_id) == ["RELEASED"]
        assert await self._databases.balance_of(transfer.buyer_user_id) == CREDITS - AMOUNT
        assert await self._databases.balance_of(transfer.seller_user_id) == CREDITS - PRICE + AMOUNT
        messages = await self._databases.messages_about(transfer.transfer_id)
        assert messages == ["transfer.completed", "transfer.pending"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        transfer = self.data
        await self._assert_ticket_is(transfer.seller_user_id, price_paid=PRICE)
        assert await self._databases.transfer_states(transfer.transfer_id) in ([], ["PENDING_OTP", "FAILED"])
        assert await self._databases.codes_for(transfer.transfer_id) == set()
        assert await self._databases.escrows_of(transfer.transfer_id) in ([], ["VOIDED"])
        assert await self._databases.balance_of(transfer.buyer_user_id) == CREDITS
        assert await self._databases.balance_of(transfer.seller_user_id) == CREDITS - PRICE
        messages = await self._databases.messages_about(transfer.transfer_id)
        assert messages in ([], ["transfer.failed", "transfer.pending"])

    async def _assert_ticket_is(self, owner_id: uuid.UUID, *, price_paid: Decimal) -> None:
        [seat] = await self._databases.seats([self.data.ticket.seat_id])
        assert (seat["status"], seat["owner_user_id"], seat["price_paid"]) == ("SOLD", owner_id, price_paid)
        assert seat["hold_id"] == self.data.ticket.order_id
