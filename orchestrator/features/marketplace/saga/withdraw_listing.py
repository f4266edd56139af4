"""Taking a ticket off the marketplace: begin withdrawal → **withdraw seat** → cancel listing."""

import uuid
from typing import Final

from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.orders.listings import ListingsClient
from orchestrator.saga_engine.plan import (
    DEFAULT_STEP_TIMEOUT_SECONDS,
    Call,
    Plan,
    SagaData,
    must_finish,
    pivot,
    undoable,
)

__all__ = ["WITHDRAW_LISTING", "WithdrawListing", "withdraw_listing_plan"]

WITHDRAW_LISTING: Final = "withdraw listing"


class WithdrawListing(SagaData):
    listing_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    seller_user_id: uuid.UUID


def withdraw_listing_plan(
    *, listings: ListingsClient, inventory: InventoryClient, step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS
) -> Plan[WithdrawListing]:
    """Return the story of a ticket that is taken off the marketplace."""
    steps = WithdrawListingSteps(listings, inventory)
    return Plan(
        WITHDRAW_LISTING,
        WithdrawListing,
        undoable("begin withdrawal", steps.begin_withdrawal, steps.abandon_withdrawal),
        pivot("withdraw seat", steps.withdraw_seat),
        must_finish("cancel listing", steps.cancel_listing),
        step_timeout_seconds=step_timeout_seconds,
    )


class WithdrawListingSteps:
    """The saga's actions and undos, in the order of the story."""

    def __init__(self, listings: ListingsClient, inventory: InventoryClient) -> None:
        self._listings = listings
        self._inventory = inventory

    async def begin_withdrawal(self, withdrawal: WithdrawListing, call: Call) -> WithdrawListing:
        await self._listings.begin_withdrawal(call, listing_id=withdrawal.listing_id)
        return withdrawal

    async def abandon_withdrawal(self, withdrawal: WithdrawListing, call: Call) -> None:
        await self._listings.abandon_withdrawal(call, listing_id=withdrawal.listing_id)

    async def withdraw_seat(self, withdrawal: WithdrawListing, call: Call) -> WithdrawListing:
        await self._inventory.withdraw_from_resale(
            call,
            seat_id=withdrawal.seat_id,
            order_id=withdrawal.order_id,
            owner_user_id=withdrawal.seller_user_id,
        )
        return withdrawal

    async def cancel_listing(self, withdrawal: WithdrawListing, call: Call) -> WithdrawListing:
        await self._listings.cancel(call, listing_id=withdrawal.listing_id)
        return withdrawal
