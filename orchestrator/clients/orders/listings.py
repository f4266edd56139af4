"""The orders service's marketplace listings."""

import uuid
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from common.money import Money
from orchestrator.clients.models import Ticket
from orchestrator.clients.orders.aggregate import AggregateClient
from orchestrator.saga_engine.plan import Call


class ListingFacts(BaseModel):
    """A listing in the orders service; the last three fields are set while it is being sold, and afterwards."""

    model_config = ConfigDict(extra="ignore")

    listing_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    asking_price: Money
    seller_user_id: uuid.UUID
    status: str
    buyer_user_id: uuid.UUID | None = None
    sale_id: uuid.UUID | None = None
    expires_at: datetime | None = None


class ListingsClient(AggregateClient[ListingFacts]):
    path = "/internal/listings"
    facts = ListingFacts

    async def events_on_market(self, *, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
        """Return the ids of events that have ACTIVE listings, in ascending order, those after `after`."""
        query = {"limit": limit} | ({"after": str(after)} if after else {})
        return [uuid.UUID(event_id) for event_id in await self._orders.get(f"{self.path}/events-on-market", query)]

    async def open(
        self, call: Call, *, listing_id: uuid.UUID, ticket: Ticket, seller_user_id: uuid.UUID, asking_price: Decimal
    ) -> None:
        """Open a listing.

        Raises:
            Conflict: LISTING_INVALID_STATE, the ticket is listed; TRANSFER_IN_PROGRESS, it is being transferred.
        """
        await self._open(
            call,
            listing_id=listing_id,
            **ticket.model_dump(exclude={"price"}),
            face_value=f"{ticket.price:.2f}",
            seller_user_id=seller_user_id,
            asking_price=f"{asking_price:.2f}",
        )

    async def discard(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._post(listing_id, "discard", call)

    async def activate(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._post(listing_id, "activate", call)

    async def begin_withdrawal(self, call: Call, *, listing_id: uuid.UUID) -> None:
        """Take a listing off the market. If it is not ACTIVE: LISTING_INVALID_STATE."""
        await self._post(listing_id, "begin-withdrawal", call)

    async def abandon_withdrawal(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._post(listing_id, "abandon-withdrawal", call)

    async def cancel(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._post(listing_id, "cancel", call)

    async def claim(
        self,
        call: Call,
        *,
        listing_id: uuid.UUID,
        sale_id: uuid.UUID,
        buyer_user_id: uuid.UUID,
        expires_at: datetime,
    ) -> None:
        """Reserve a listing for one buyer. If it is not ACTIVE: LISTING_INVALID_STATE."""
        await self._post(listing_id, "claim", call, sale_id=sale_id, buyer_user_id=buyer_user_id, expires_at=expires_at)

    async def release_claim(self, call: Call, *, listing_id: uuid.UUID, sale_id: uuid.UUID) -> None:
        await self._post(listing_id, "release-claim", call, sale_id=sale_id)

    async def complete(self, call: Call, *, listing_id: uuid.UUID, sale_id: uuid.UUID) -> None:
        await self._post(listing_id, "complete", call, sale_id=sale_id)
