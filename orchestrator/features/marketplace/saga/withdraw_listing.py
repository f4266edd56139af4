"""The saga that withdraws a listing: begin withdrawal → **withdraw seat** → cancel listing."""

import uuid
from dataclasses import dataclass
from typing import Final

from orchestrator.clients import Clients
from orchestrator.clients.orders.listings import ListingFacts
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, undoable

__all__ = ["WITHDRAW_LISTING", "WithdrawListing", "withdraw_listing_plan"]

WITHDRAW_LISTING: Final = "withdraw listing"


class WithdrawListing(SagaData):
    listing_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    seller_user_id: uuid.UUID

    @classmethod
    def of(cls, listing: ListingFacts, *, saga_id: uuid.UUID) -> "WithdrawListing":
        return cls(
            saga_id=saga_id,
            listing_id=listing.listing_id,
            seat_id=listing.seat_id,
            order_id=listing.order_id,
            seller_user_id=listing.seller_user_id,
        )


def withdraw_listing_plan(clients: Clients) -> Plan[WithdrawListing]:
    steps = WithdrawListingSteps(clients)
    return Plan(
        WITHDRAW_LISTING,
        WithdrawListing,
        undoable("begin withdrawal", steps.begin_withdrawal, steps.abandon_withdrawal),
        pivot("withdraw seat", steps.withdraw_seat),
        must_finish("cancel listing", steps.cancel_listing),
    )


@dataclass(frozen=True, slots=True)
class WithdrawListingSteps:
    """The saga's actions and undo, in the plan's order."""

    clients: Clients

    async def begin_withdrawal(self, withdrawal: WithdrawListing, call: Call) -> WithdrawListing:
        await self.clients.listings.begin_withdrawal(call, listing_id=withdrawal.listing_id)
        return withdrawal

    async def abandon_withdrawal(self, withdrawal: WithdrawListing, call: Call) -> None:
        await self.clients.listings.abandon_withdrawal(call, listing_id=withdrawal.listing_id)

    async def withdraw_seat(self, withdrawal: WithdrawListing, call: Call) -> WithdrawListing:
        await self.clients.inventory.withdraw_from_resale(
            call,
            seat_id=withdrawal.seat_id,
            order_id=withdrawal.order_id,
            owner_user_id=withdrawal.seller_user_id,
        )
        return withdrawal

    async def cancel_listing(self, withdrawal: WithdrawListing, call: Call) -> WithdrawListing:
        await self.clients.listings.cancel(call, listing_id=withdrawal.listing_id)
        return withdrawal
