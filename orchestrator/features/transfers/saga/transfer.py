"""The transfer saga: a ticket goes from one fan to another for credits.

open transfer → send initiator a code → send the other a code → announce transfer → wait for `confirm` → hold credits →
begin owner change → **change owner** → pay seller → complete transfer.

Too few credits lead back to the wait: the buyer can top up and confirm again before the transfer expires. Every other
failure unwinds: the credits are returned, and the ticket keeps its owner.

The transfer and the saga share one id.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from common.messaging.outbox import OutgoingMessage
from common.money import Money
from orchestrator.clients import Clients
from orchestrator.clients.models import CodeContext, Ticket
from orchestrator.errors import TransferCancelled, TransferExpired
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish, undoable, wait

__all__ = ["CONFIRM", "OPENING", "TRANSFER", "Transfer", "transfer_plan"]

TRANSFER: Final = "transfer"
CONFIRM: Final = "confirm"
OPEN_TRANSFER: Final = "open transfer"
SEND_INITIATOR_CODE: Final = "send initiator a code"
SEND_OTHER_CODE: Final = "send the other a code"
OPENING: Final = (OPEN_TRANSFER, SEND_INITIATOR_CODE, SEND_OTHER_CODE)


class Transfer(SagaData):
    """The saga's data: `escrow_id` is set once the buyer's credits are held; `address` is the initiator's.

    `price_paid_before` is what the seller had paid for the ticket, for a reversal to restore.
    """

    ticket: Ticket
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    initiated_by_user_id: uuid.UUID
    credits_amount: Money
    price_paid_before: Money
    expires_at: datetime
    address: str = ""
    escrow_id: uuid.UUID | None = None

    @property
    def transfer_id(self) -> uuid.UUID:
        return self.saga_id

    @property
    def is_announced(self) -> bool:
        """Whether `transfer.pending` was sent: it leaves with the write that removes the address."""
        return not self.address

    @property
    def other_user_id(self) -> uuid.UUID:
        """The party that did not initiate the transfer."""
        is_sellers = self.initiated_by_user_id == self.seller_user_id
        return self.buyer_user_id if is_sellers else self.seller_user_id

    @property
    def escrow(self) -> uuid.UUID:
        """The escrow, for steps after it was made."""
        if self.escrow_id is None:
            raise RuntimeError(f"transfer {self.saga_id} has no escrow yet")
        return self.escrow_id


def transfer_plan(clients: Clients) -> Plan[Transfer]:
    steps = TransferSteps(clients)
    return Plan(
        TRANSFER,
        Transfer,
        undoable(OPEN_TRANSFER, steps.open_transfer, steps.end_transfer),
        # The initiator first: an initiator at the limit of codes must not cause codes to others.
        undoable(SEND_INITIATOR_CODE, steps.send_initiator_code, steps.withdraw_initiator_code),
        undoable(SEND_OTHER_CODE, steps.send_other_code, steps.withdraw_other_code),
        publish("announce transfer", pending_message),
        wait(CONFIRM, deadline=lambda transfer: transfer.expires_at, expired=TransferExpired),
        undoable("hold credits", steps.hold_credits, steps.return_credits, back_to_wait_on={"INSUFFICIENT_CREDITS"}),
        undoable("begin owner change", steps.begin_owner_change, steps.abandon_owner_change),
        pivot("change owner", steps.change_owner),
        must_finish("pay seller", steps.pay_seller),
        must_finish("complete transfer", steps.complete_transfer),
        publish("announce new owner", completed_message),
        on_unwound=failed_message,
    )


@dataclass(frozen=True, slots=True)
class TransferSteps:
    """The transfer's actions and undos, in the plan's order."""

    clients: Clients

    async def open_transfer(self, transfer: Transfer, call: Call) -> Transfer:
        await self.clients.transfers.open(
            call,
            transfer_id=transfer.transfer_id,
            ticket=transfer.ticket,
            seller_user_id=transfer.seller_user_id,
            buyer_user_id=transfer.buyer_user_id,
            initiated_by_user_id=transfer.initiated_by_user_id,
            credits_amount=transfer.credits_amount,
            expires_at=transfer.expires_at,
        )
        return transfer

    async def end_transfer(self, transfer: Transfer, call: Call) -> None:
        status = "CANCELLED" if call.reason == TransferCancelled.code else "FAILED"
        await self.clients.transfers.end(call, transfer_id=transfer.transfer_id, status=status)

    async def send_initiator_code(self, transfer: Transfer, call: Call) -> Transfer:
        await self._send_code(transfer, call, to=transfer.initiated_by_user_id)
        return transfer

    async def withdraw_initiator_code(self, transfer: Transfer, call: Call) -> None:
        await self._withdraw_code(transfer, call, of=transfer.initiated_by_user_id)

    async def send_other_code(self, transfer: Transfer, call: Call) -> Transfer:
        await self._send_code(transfer, call, to=transfer.other_user_id)
        return transfer.model_copy(update={"address": ""})  # not needed any more, so it is not kept

    async def withdraw_other_code(self, transfer: Transfer, call: Call) -> None:
        await self._withdraw_code(transfer, call, of=transfer.other_user_id)

    async def hold_credits(self, transfer: Transfer, call: Call) -> Transfer:
        escrow_id = await self.clients.ledger.hold_escrow(
            call, user_id=transfer.buyer_user_id, amount=transfer.credits_amount, reference=transfer.transfer_id
        )
        return transfer.model_copy(update={"escrow_id": escrow_id})

    async def return_credits(self, _: Transfer, call: Call) -> None:
        await self.clients.ledger.void_escrow(call)

    async def begin_owner_change(self, transfer: Transfer, call: Call) -> Transfer:
        await self.clients.transfers.begin_owner_change(call, transfer.transfer_id)
        return transfer

    async def abandon_owner_change(self, transfer: Transfer, call: Call) -> None:
        await self.clients.transfers.abandon_owner_change(call, transfer.transfer_id)

    async def change_owner(self, transfer: Transfer, call: Call) -> Transfer:
        await self.clients.inventory.change_owner(
            call,
            seat_id=transfer.ticket.seat_id,
            order_id=transfer.ticket.order_id,
            from_user_id=transfer.seller_user_id,
            to_user_id=transfer.buyer_user_id,
            price_paid=Decimal(transfer.credits_amount),
        )
        return transfer

    async def pay_seller(self, transfer: Transfer, call: Call) -> Transfer:
        await self.clients.ledger.release_escrow(call, escrow_id=transfer.escrow, to_user_id=transfer.seller_user_id)
        return transfer

    async def complete_transfer(self, transfer: Transfer, call: Call) -> Transfer:
        await self.clients.transfers.complete(call, transfer_id=transfer.transfer_id)
        return transfer

    async def _send_code(self, transfer: Transfer, call: Call, *, to: uuid.UUID) -> None:
        await self.clients.otp.send(
            call,
            user_id=to,
            requested_by_user_id=transfer.initiated_by_user_id,
            context=CodeContext.TRANSFER,
            reference=transfer.transfer_id,
            address=transfer.address,
        )

    async def _withdraw_code(self, transfer: Transfer, call: Call, *, of: uuid.UUID) -> None:
        await self.clients.otp.withdraw(call, user_id=of, context=CodeContext.TRANSFER, reference=transfer.transfer_id)


def pending_message(transfer: Transfer) -> OutgoingMessage:
    return _announcement("transfer.pending", transfer, expires_at=transfer.expires_at)


def completed_message(transfer: Transfer) -> OutgoingMessage:
    return _announcement("transfer.completed", transfer)


def failed_message(transfer: Transfer, reason: str) -> OutgoingMessage | None:
    """Return nothing unless the transfer was announced."""
    if not transfer.is_announced:
        return None
    return _announcement("transfer.failed", transfer, reason=reason)


def _announcement(message_type: str, transfer: Transfer, **more: object) -> OutgoingMessage:
    facts = {
        "transfer_id": str(transfer.transfer_id),
        "event_id": str(transfer.ticket.event_id),
        "seat_id": str(transfer.ticket.seat_id),
        "seller_user_id": str(transfer.seller_user_id),
        "buyer_user_id": str(transfer.buyer_user_id),
        "credits_amount": f"{transfer.credits_amount:.2f}",
    }
    return announcement(message_type, subject=transfer.transfer_id, data=facts | more)
