"""The orders service's book of marketplace listings."""

import uuid
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.models import Ticket
from orchestrator.saga_engine.plan import Call

__all__ = ["ListingFacts", "ListingsClient"]


class ListingFacts(BaseModel):
    """A listing as the orders service has it; the last three are there while it is being sold, and after."""

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


class ListingsClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def open(
        self, call: Call, *, listing_id: uuid.UUID, ticket: Ticket, seller_user_id: uuid.UUID, asking_price: Decimal
    ) -> None:
        """Open a listing. When the ticket has one: LISTING_INVALID_STATE; is in a transfer: TRANSFER_IN_PROGRESS."""
        await self._orders.post(
            "/internal/listings",
            {
                "request_id": call.request_id,
                "listing_id": listing_id,
                **ticket.model_dump(exclude={"price"}),
                "face_value": f"{ticket.price:.2f}",
                "seller_user_id": seller_user_id,
                "asking_price": f"{asking_price:.2f}",
            },
        )

    async def discard(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._undo(listing_id, "discard", call)

    async def activate(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._move(listing_id, "activate", call)

    async def begin_withdrawal(self, call: Call, *, listing_id: uuid.UUID) -> None:
        """Take a listing off the market. One that is not ACTIVE: LISTING_INVALID_STATE."""
        await self._move(listing_id, "begin-withdrawal", call)

    async def abandon_withdrawal(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._undo(listing_id, "abandon-withdrawal", call)

    async def cancel(self, call: Call, *, listing_id: uuid.UUID) -> None:
        await self._move(listing_id, "cancel", call)

    async def claim(
        self,
        call: Call,
        *,
        listing_id: uuid.UUID,
        sale_id: uuid.UUID,
        buyer_user_id: uuid.UUID,
        expires_at: datetime,
    ) -> None:
        """Take a listing for one buyer. One that is not ACTIVE (any more): LISTING_INVALID_STATE."""
        await self._move(listing_id, "claim", call, sale_id=sale_id, buyer_user_id=buyer_user_id, expires_at=expires_at)

    async def release_claim(self, call: Call, *, listing_id: uuid.UUID, sale_id: uuid.UUID) -> None:
        await self._undo(listing_id, "release-claim", call, sale_id=sale_id)

    async def complete(self, call: Call, *, listing_id: uuid.UUID, sale_id: uuid.UUID) -> None:
        await self._move(listing_id, "complete", call, sale_id=sale_id)

    async def find(self, listing_id: uuid.UUID) -> ListingFacts:
        """Return a listing.

        Raises:
            NotFound: LISTING_NOT_FOUND.
        """
        return ListingFacts.model_validate(await self._orders.get(f"/internal/listings/{listing_id}"))

    async def counts(self, event_id: uuid.UUID) -> Counter[str]:
        """Return how many listings an event has, by status."""
        return Counter(await self._orders.get("/internal/listings/counts", {"event_id": str(event_id)}))

    async def of_event(self, event_id: uuid.UUID, *, status: str, limit: int) -> list[ListingFacts]:
        """Return an event's oldest listings of a status."""
        query: dict[str, Any] = {"event_id": str(event_id), "status": status, "limit": limit}
        return [ListingFacts.model_validate(found) for found in await self._orders.get("/internal/listings", query)]

    async def _move(self, listing_id: uuid.UUID, move: str, call: Call, **facts: object) -> None:
        await self._orders.post(f"/internal/listings/{listing_id}/{move}", {"request_id": call.request_id, **facts})

    async def _undo(self, listing_id: uuid.UUID, undo: str, call: Call, **facts: object) -> None:
        await self._move(listing_id, undo, call, undoes_request_id=call.undoes_request_id, **facts)
