"""The resale saga: a fan buys a ticket on the marketplace.

claim listing → hold credits → send seller a code → announce sale → wait for `approve` → begin owner change →
**change owner** → pay seller → complete listing.

A sale that is not approved in time unwinds: the credits are returned, and the listing is active again. So does the sale to
a flagged fan without a verified code; with one they buy again.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from common.messaging.outbox import OutgoingMessage
from common.money import Money
from orchestrator.clients import Clients
from orchestrator.clients.models import CodeContext
from orchestrator.clients.users.otp import resale_purchase_reference
from orchestrator.errors import SaleExpired
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish, undoable, wait

__all__ = ["APPROVE", "OPENING", "RESALE", "Resale", "resale_plan"]

RESALE: Final = "resale"
APPROVE: Final = "approve"
CLAIM_LISTING: Final = "claim listing"
HOLD_CREDITS: Final = "hold credits"
SEND_CODE: Final = "send seller a code"
OPENING: Final = (CLAIM_LISTING, HOLD_CREDITS, SEND_CODE)
PUBLISHED: Final = {"listing_id", "event_id", "seat_id", "seller_user_id", "buyer_user_id", "price"}


class Resale(SagaData):
    """The saga's data: `escrow_id` is set once the buyer's credits are held; `address` is the buyer's."""

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
    def is_announced(self) -> bool:
        """Whether `sale.pending` was sent: it leaves with the write that removes the address."""
        return self.escrow_id is not None and not self.address

    @property
    def escrow(self) -> uuid.UUID:
        """The escrow, for steps after it was made."""
        if self.escrow_id is None:
            raise RuntimeError(f"resale {self.saga_id} has no escrow yet")
        return self.escrow_id


def resale_plan(clients: Clients) -> Plan[Resale]:
    steps = ResaleSteps(clients)
    return Plan(
        RESALE,
        Resale,
        undoable(CLAIM_LISTING, steps.claim_listing, steps.release_claim),
        undoable(HOLD_CREDITS, steps.hold_credits, steps.return_credits),
        undoable(SEND_CODE, steps.send_code, steps.withdraw_code),
        publish("announce sale", pending_message),
        wait(APPROVE, deadline=lambda resale: resale.expires_at, expired=SaleExpired),
        undoable("begin owner change", steps.begin_owner_change, steps.abandon_owner_change),
        pivot("change owner", steps.change_owner),
        must_finish("pay seller", steps.pay_seller),
        must_finish("complete listing", steps.complete_listing),
        publish("announce new owner", completed_message),
        on_unwound=failed_message,
    )


@dataclass(frozen=True, slots=True)
class ResaleSteps:
    """The sale's actions and undos, in the plan's order."""

    clients: Clients

    async def claim_listing(self, resale: Resale, call: Call) -> Resale:
        await self.clients.listings.claim(
            call,
            listing_id=resale.listing_id,
            sale_id=resale.sale_id,
            buyer_user_id=resale.buyer_user_id,
            expires_at=resale.expires_at,
        )
        return resale

    async def release_claim(self, resale: Resale, call: Call) -> None:
        await self.clients.listings.release_claim(call, listing_id=resale.listing_id, sale_id=resale.sale_id)

    async def hold_credits(self, resale: Resale, call: Call) -> Resale:
        escrow_id = await self.clients.ledger.hold_escrow(
            call,
            user_id=resale.buyer_user_id,
            amount=resale.price,
            reference=resale.sale_id,
            proof_reference=resale_purchase_reference(resale.listing_id, buyer_user_id=resale.buyer_user_id),
        )
        return resale.model_copy(update={"escrow_id": escrow_id})

    async def return_credits(self, _: Resale, call: Call) -> None:
        await self.clients.ledger.void_escrow(call)

    async def send_code(self, resale: Resale, call: Call) -> Resale:
        await self.clients.otp.send(
            call,
            user_id=resale.seller_user_id,
            requested_by_user_id=resale.buyer_user_id,
            context=CodeContext.RESALE,
            reference=resale.sale_id,
            address=resale.address,
        )
        return resale.model_copy(update={"address": ""})  # not needed any more, so it is not kept

    async def withdraw_code(self, resale: Resale, call: Call) -> None:
        await self.clients.otp.withdraw(
            call, user_id=resale.seller_user_id, context=CodeContext.RESALE, reference=resale.sale_id
        )

    async def begin_owner_change(self, resale: Resale, call: Call) -> Resale:
        await self.clients.listings.begin_owner_change(call, resale.listing_id)
        return resale

    async def abandon_owner_change(self, resale: Resale, call: Call) -> None:
        await self.clients.listings.abandon_owner_change(call, resale.listing_id)

    async def change_owner(self, resale: Resale, call: Call) -> Resale:
        await self.clients.inventory.change_owner(
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
        await self.clients.ledger.release_escrow(call, escrow_id=resale.escrow, to_user_id=resale.seller_user_id)
        return resale

    async def complete_listing(self, resale: Resale, call: Call) -> Resale:
        await self.clients.listings.complete(call, listing_id=resale.listing_id, sale_id=resale.sale_id)
        return resale


def pending_message(resale: Resale) -> OutgoingMessage:
    return _announcement("sale.pending", resale, expires_at=resale.expires_at)


def completed_message(resale: Resale) -> OutgoingMessage:
    return _announcement("sale.completed", resale)


def failed_message(resale: Resale, reason: str) -> OutgoingMessage | None:
    """Return nothing unless the sale was announced: only its buyer learns why it was refused, such as by a risk flag."""
    if not resale.is_announced:
        return None
    return _announcement("sale.failed", resale, reason=reason)


def _announcement(message_type: str, resale: Resale, **more: object) -> OutgoingMessage:
    facts = {"sale_id": str(resale.sale_id)} | resale.model_dump(mode="json", include=PUBLISHED)
    return announcement(message_type, subject=resale.sale_id, data=facts | more)
