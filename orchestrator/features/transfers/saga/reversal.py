"""A disputed transfer taken back by an admin: begin reversal → **give ticket back** → return credits → close dispute.

The buyer gets all credits back. What the seller has spent of them the platform lends: the ledger keeps it as owed.
"""

import uuid
from decimal import Decimal
from typing import Final

from common.messaging.message import Message
from common.messaging.topology import MESSAGES_EXCHANGE
from common.money import Money
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.orders.transfers import TransfersClient
from orchestrator.clients.users.ledger import LedgerClient
from orchestrator.saga_engine.plan import (
    DEFAULT_STEP_TIMEOUT_SECONDS,
    Call,
    OutgoingMessage,
    Plan,
    SagaData,
    must_finish,
    pivot,
    publish,
    undoable,
)

__all__ = ["REVERSAL", "Reversal", "reversal_plan"]

REVERSAL: Final = "reversal"
SOURCE: Final = "orchestrator"


class Reversal(SagaData):
    """What the saga knows. `price_paid_before` is what the seller had paid for the ticket."""

    transfer_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    credits_amount: Money
    price_paid_before: Money
    shortfall: Money = Decimal("0.00")


def reversal_plan(
    *,
    transfers: TransfersClient,
    ledger: LedgerClient,
    inventory: InventoryClient,
    step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
) -> Plan[Reversal]:
    """Return the story of a reversal."""
    steps = ReversalSteps(transfers=transfers, ledger=ledger, inventory=inventory)
    return Plan(
        REVERSAL,
        Reversal,
        undoable("begin reversal", steps.begin_reversal, steps.abandon_reversal),
        pivot("give ticket back", steps.give_ticket_back),
        must_finish("return credits", steps.return_credits),
        must_finish("close dispute", steps.close_dispute),
        publish("announce reversal", reversed_message),
        step_timeout_seconds=step_timeout_seconds,
    )


class ReversalSteps:
    """The reversal's actions and undos, in the order of the story."""

    def __init__(self, *, transfers: TransfersClient, ledger: LedgerClient, inventory: InventoryClient) -> None:
        self._transfers = transfers
        self._ledger = ledger
        self._inventory = inventory

    async def begin_reversal(self, reversal: Reversal, call: Call) -> Reversal:
        await self._transfers.begin_reversal(call, transfer_id=reversal.transfer_id)
        return reversal

    async def abandon_reversal(self, reversal: Reversal, call: Call) -> None:
        await self._transfers.abandon_reversal(call, transfer_id=reversal.transfer_id)

    async def give_ticket_back(self, reversal: Reversal, call: Call) -> Reversal:
        await self._inventory.change_owner(
            call,
            seat_id=reversal.seat_id,
            order_id=reversal.order_id,
            from_user_id=reversal.buyer_user_id,
            to_user_id=reversal.seller_user_id,
            price_paid=Decimal(reversal.price_paid_before),
            is_forced=True,  # a cancelled event's price goes to whom the dispute gives the ticket
        )
        return reversal

    async def return_credits(self, reversal: Reversal, call: Call) -> Reversal:
        shortfall = await self._ledger.claw_back(
            call,
            from_user_id=reversal.seller_user_id,
            to_user_id=reversal.buyer_user_id,
            amount=Decimal(reversal.credits_amount),
            reference=reversal.transfer_id,
        )
        return reversal.model_copy(update={"shortfall": shortfall})

    async def close_dispute(self, reversal: Reversal, call: Call) -> Reversal:
        await self._transfers.reverse(call, transfer_id=reversal.transfer_id)
        return reversal


def reversed_message(reversal: Reversal) -> OutgoingMessage:
    facts = {
        "transfer_id": str(reversal.transfer_id),
        "event_id": str(reversal.event_id),
        "seat_id": str(reversal.seat_id),
        "seller_user_id": str(reversal.seller_user_id),
        "buyer_user_id": str(reversal.buyer_user_id),
        "credits_amount": f"{reversal.credits_amount:.2f}",
        "shortfall": f"{reversal.shortfall:.2f}",
    }
    message = Message(type="transfer.reversed", source=SOURCE, subject=str(reversal.transfer_id), data=facts)
    return OutgoingMessage(message, MESSAGES_EXCHANGE, "transfer.reversed")
