"""The saga of a disputed transfer: begin reversal → **give ticket back** → return credits → close dispute.

The buyer gets all credits back. The platform lends what the seller has spent of them: the ledger keeps it as owed.
"""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from common.messaging.outbox import OutgoingMessage
from common.money import Money
from orchestrator.clients import Clients
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish, undoable

__all__ = ["REVERSAL", "Reversal", "reversal_plan"]

REVERSAL: Final = "reversal"
PUBLISHED: Final = {
    "transfer_id", "event_id", "seat_id", "seller_user_id", "buyer_user_id", "credits_amount", "shortfall",
}  # fmt: skip


class Reversal(SagaData):
    """The saga's data. `price_paid_before` is what the seller had paid for the ticket."""

    transfer_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    credits_amount: Money
    price_paid_before: Money
    shortfall: Money = Decimal("0.00")


def reversal_plan(clients: Clients) -> Plan[Reversal]:
    steps = ReversalSteps(clients)
    return Plan(
        REVERSAL,
        Reversal,
        undoable("begin reversal", steps.begin_reversal, steps.abandon_reversal),
        pivot("give ticket back", steps.give_ticket_back),
        must_finish("return credits", steps.return_credits),
        must_finish("close dispute", steps.close_dispute),
        publish("announce reversal", reversed_message),
    )


@dataclass(frozen=True, slots=True)
class ReversalSteps:
    """The reversal's actions and undo, in the plan's order."""

    clients: Clients

    async def begin_reversal(self, reversal: Reversal, call: Call) -> Reversal:
        await self.clients.transfers.begin_reversal(call, transfer_id=reversal.transfer_id)
        return reversal

    async def abandon_reversal(self, reversal: Reversal, call: Call) -> None:
        await self.clients.transfers.abandon_reversal(call, transfer_id=reversal.transfer_id)

    async def give_ticket_back(self, reversal: Reversal, call: Call) -> Reversal:
        await self.clients.inventory.change_owner(
            call,
            seat_id=reversal.seat_id,
            order_id=reversal.order_id,
            from_user_id=reversal.buyer_user_id,
            to_user_id=reversal.seller_user_id,
            price_paid=Decimal(reversal.price_paid_before),
            is_forced=True,  # even if the event is cancelled: its refund goes to the party that the dispute names
        )
        return reversal

    async def return_credits(self, reversal: Reversal, call: Call) -> Reversal:
        shortfall = await self.clients.ledger.claw_back(
            call,
            from_user_id=reversal.seller_user_id,
            to_user_id=reversal.buyer_user_id,
            amount=Decimal(reversal.credits_amount),
            reference=reversal.transfer_id,
        )
        return reversal.model_copy(update={"shortfall": shortfall})

    async def close_dispute(self, reversal: Reversal, call: Call) -> Reversal:
        await self.clients.transfers.reverse(call, transfer_id=reversal.transfer_id)
        return reversal


def reversed_message(reversal: Reversal) -> OutgoingMessage:
    facts = reversal.model_dump(mode="json", include=PUBLISHED)
    return announcement("transfer.reversed", subject=reversal.transfer_id, data=facts)
