"""Putting a ticket on the marketplace: open listing → **list seat** → activate listing.

From the pivot on the ticket's code opens no door, until it is sold or withdrawn. The listing and this saga share one id.
"""

import uuid
from typing import Final

from common.money import Money
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.models import Ticket
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

__all__ = ["LIST_FOR_RESALE", "ListForResale", "list_for_resale_plan"]

LIST_FOR_RESALE: Final = "list for resale"
OPEN_LISTING: Final = "open listing"
LIST_SEAT: Final = "list seat"


class ListForResale(SagaData):
    ticket: Ticket
    seller_user_id: uuid.UUID
    asking_price: Money

    @property
    def listing_id(self) -> uuid.UUID:
        return self.saga_id


def list_for_resale_plan(
    *, listings: ListingsClient, inventory: InventoryClient, step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS
) -> Plan[ListForResale]:
    """Return the story of a ticket that is put on the marketplace."""
    steps = ListForResaleSteps(listings, inventory)
    return Plan(
        LIST_FOR_RESALE,
        ListForResale,
        undoable(OPEN_LISTING, steps.open_listing, steps.discard_listing),
        pivot(LIST_SEAT, steps.list_seat),
        must_finish("activate listing", steps.activate_listing),
        step_timeout_seconds=step_timeout_seconds,
    )


class ListForResaleSteps:
    """The saga's actions and undos, in the order of the story."""

    def __init__(self, listings: ListingsClient, inventory: InventoryClient) -> None:
        self._listings = listings
        self._inventory = inventory

    async def open_listing(self, listing: ListForResale, call: Call) -> ListForResale:
        await self._listings.open(
            call,
            listing_id=listing.listing_id,
            ticket=listing.ticket,
            seller_user_id=listing.seller_user_id,
            asking_price=listing.asking_price,
        )
        return listing

    async def discard_listing(self, listing: ListForResale, call: Call) -> None:
        await self._listings.discard(call, listing_id=listing.listing_id)

    async def list_seat(self, listing: ListForResale, call: Call) -> ListForResale:
        await self._inventory.list_for_resale(
            call,
            seat_id=listing.ticket.seat_id,
            order_id=listing.ticket.order_id,
            owner_user_id=listing.seller_user_id,
        )
        return listing

    async def activate_listing(self, listing: ListForResale, call: Call) -> ListForResale:
        await self._listings.activate(call, listing_id=listing.listing_id)
        return listing
