"""A ticket bought on the marketplace: one saga.

claim listing → hold the buyer's credits → send the seller a code → wait until the seller approves → **change owner** →
pay seller → complete listing.

A sale that is not approved in time unwinds: the credits go back, and the listing is active again.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Final

from common.messaging.message import Message
from common.messaging.topology import MESSAGES_EXCHANGE
from common.money import Money
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.models import CodeContext
from orchestrator.clients.orders.listings import ListingsClient
from orchestrator.clients.users.ledger import LedgerClient
from orchestrator.clients.users.otp import OtpClient
from orchestrator.errors import SaleExpired
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
    wait,
)

__all__ = ["APPROVE", "OPENING", "RESALE", "Resale", "resale_plan"]

RESALE: Final = "resale"
APPROVE: Final = "approve"
CLAIM_LISTING: Final = "claim listing"
HOLD_CREDITS: Final = "hold credits"
SEND_CODE: Final = "send seller a code"
OPENING: Final = (CLAIM_LISTING, HOLD_CREDITS, SEND_CODE)
SOURCE: Final = "orchestrator"


class Resale(SagaData):
    """What the saga knows. `escrow_id` is there once the buyer's credits are set aside; `address` goes with the code."""

    listing_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    price: Money
    expires_at: datetime
    address: str = ""
    escrow_id: uuid.UUID | None = None

    @property
    def sale_id(self) -> uuid.UUID:
        return self.saga_id

    @property
    def escrow(self) -> uuid.UUID:
        """The escrow, for steps that come after it was made."""
        if self.escrow_id is None:
            raise RuntimeError(f"resale {self.saga_id} has no escrow yet")
        return self.escrow_id


def resale_plan(
    *,
    listings: ListingsClient,
    otp: OtpClient,
    ledger: LedgerClient,
    inventory: InventoryClient,
    step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
) -> Plan[Resale]:
    """Return the story of a sale between fans."""
    steps = ResaleSteps(listings=listings, otp=otp, ledger=ledger, inventory=inventory)
    return Plan(
        RESALE,
        Resale,
        undoable(CLAIM_LISTING, steps.claim_listing, steps.release_claim),
        undoable(HOLD_CREDITS, steps.hold_credits, steps.give_credits_back),
        undoable(SEND_CODE, steps.send_code, steps.withdraw_code),
        publish("announce sale", pending_message),
        wait(APPROVE, deadline=lambda resale: resale.expires_at, expired=SaleExpired),
        pivot("change owner", steps.change_owner),
        must_finish("pay seller", steps.pay_seller),
        must_finish("complete listing", steps.complete_listing),
        publish("announce new owner", completed_message),
        on_unwound=failed_message,
        step_timeout_seconds=step_timeout_seconds,
    )


class ResaleSteps:
    """The sale's actions and undos, in the order of the story."""

    def __init__(
        self, *, listings: ListingsClient, otp: OtpClient, ledger: LedgerClient, inventory: InventoryClient
    ) -> None:
        self._listings = listings
        self._otp = otp
        self._ledger = ledger
        self._inventory = inventory

    async def claim_listing(self, resale: Resale, call: Call) -> Resale:
        await self._listings.claim(
            call,
            listing_id=resale.listing_id,
            sale_id=resale.sale_id,
            buyer_user_id=resale.buyer_user_id,
            expires_at=resale.expires_at,
        )
        return resale

    async def release_claim(self, resale: Resale, call: Call) -> None:
        await self._listings.release_claim(call, listing_id=resale.listing_id, sale_id=resale.sale_id)

    async def hold_credits(self, resale: Resale, call: Call) -> Resale:
        escrow_id = await self._ledger.hold_escrow(
            call, user_id=resale.buyer_user_id, amount=resale.price, reference=resale.sale_id
        )
        return resale.model_copy(update={"escrow_id": escrow_id})

    async def give_credits_back(self, _: Resale, call: Call) -> None:
        await self._ledger.void_escrow(call)

    async def send_code(self, resale: Resale, call: Call) -> Resale:
        await self._otp.send(
            call,
            user_id=resale.seller_user_id,
            requested_by_user_id=resale.buyer_user_id,
            context=CodeContext.RESALE,
            reference=resale.sale_id,
            address=resale.address,
        )
        return resale.model_copy(update={"address": ""})  # nobody needs to know any more where they were

    async def withdraw_code(self, resale: Resale, call: Call) -> None:
        await self._otp.withdraw(
            call, user_id=resale.seller_user_id, context=CodeContext.RESALE, reference=resale.sale_id
        )

    async def change_owner(self, resale: Resale, call: Call) -> Resale:
        await self._inventory.change_owner(
            call,
            seat_id=resale.seat_id,
            order_id=resale.order_id,
            from_user_id=resale.seller_user_id,
            to_user_id=resale.buyer_user_id,
            price_paid=Decimal(resale.price),
            was_listed=True,
        )
        return resale

    async def pay_seller(self, resale: Resale, call: Call) -> Resale:
        await self._ledger.release_escrow(call, escrow_id=resale.escrow, to_user_id=resale.seller_user_id)
        return resale

    async def complete_listing(self, resale: Resale, call: Call) -> Resale:
        await self._listings.complete(call, listing_id=resale.listing_id, sale_id=resale.sale_id)
        return resale


def pending_message(resale: Resale) -> OutgoingMessage:
    return _fact("sale.pending", resale, {"expires_at": resale.expires_at})


def completed_message(resale: Resale) -> OutgoingMessage:
    return _fact("sale.completed", resale, {})


def failed_message(resale: Resale, reason: str) -> OutgoingMessage:
    return _fact("sale.failed", resale, {"reason": reason})


def _fact(message_type: str, resale: Resale, more: dict[str, object]) -> OutgoingMessage:
    facts: dict[str, object] = {
        "sale_id": str(resale.sale_id),
        "listing_id": str(resale.listing_id),
        "event_id": str(resale.event_id),
        "seat_id": str(resale.seat_id),
        "seller_user_id": str(resale.seller_user_id),
        "buyer_user_id": str(resale.buyer_user_id),
        "price": f"{resale.price:.2f}",
    }
    message = Message(type=message_type, source=SOURCE, subject=str(resale.sale_id), data=facts | more)
    return OutgoingMessage(message, MESSAGES_EXCHANGE, message_type)
