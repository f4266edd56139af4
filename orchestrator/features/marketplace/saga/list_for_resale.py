"""The saga that lists a ticket for resale: open listing → **list seat** → activate listing.

From the pivot on the ticket's QR code is invalid, until the ticket is sold or withdrawn. The listing and the saga share one
id.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from common.money import Money
from orchestrator.clients import Clients
from orchestrator.clients.models import Ticket
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, undoable

__all__ = ["LIST_FOR_RESALE", "ListForResale", "list_for_resale_plan"]

LIST_FOR_RESALE: Final = "list for resale"


class ListForResale(SagaData):
    ticket: Ticket
    seller_user_id: uuid.UUID
    asking_price: Money

    @property
    def listing_id(self) -> uuid.UUID:
        return self.saga_id


def list_for_resale_plan(clients: Clients) -> Plan[ListForResale]:
    steps = ListForResaleSteps(clients)
    return Plan(
        LIST_FOR_RESALE,
        ListForResale,
        undoable("open listing", steps.open_listing, steps.discard_listing),
        pivot("list seat", steps.list_seat),
        must_finish("activate listing", steps.activate_listing),
    )


@dataclass(frozen=True, slots=True)
class ListForResaleSteps:
    """The saga's actions and undo, in the plan's order."""

    clients: Clients

    async def open_listing(self, listing: ListForResale, call: Call) -> ListForResale:
        await self.clients.listings.open(
            call,
            listing_id=listing.listing_id,
            ticket=listing.ticket,
            seller_user_id=listing.seller_user_id,
            asking_price=listing.asking_price,
        )
        return listing

    async def discard_listing(self, listing: ListForResale, call: Call) -> None:
        await self.clients.listings.discard(call, listing_id=listing.listing_id)

    async def list_seat(self, listing: ListForResale, call: Call) -> ListForResale:
        await self.clients.inventory.list_for_resale(
            call,
            seat_id=listing.ticket.seat_id,
            order_id=listing.ticket.order_id,
            owner_user_id=listing.seller_user_id,
        )
        return listing

    async def activate_listing(self, listing: ListForResale, call: Call) -> ListForResale:
        await self.clients.listings.activate(call, listing_id=listing.listing_id)
        return listing
