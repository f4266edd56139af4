"""What the orders service does with listings."""

import uuid

from common.auth.principal import Principal
from orders.listings.errors import ListingNotFound
from orders.listings.repository import ListingRepository
from orders.listings.schemas import ClaimListing, CompleteListing, Listing, OpenListing, ReleaseClaim, UndoneListing
from orders.listings.status import ListingMove, ListingStatus
from orders.shared.schemas import Requested, Undo

__all__ = ["ListingService"]


class ListingService:
    def __init__(self, repository: ListingRepository) -> None:
        self._listings = repository

    async def open(self, opening: OpenListing) -> Listing:
        return await self._listings.open(opening)

    async def discard(self, listing_id: uuid.UUID, undo: Undo) -> UndoneListing:
        return await self._listings.discard(listing_id, undo)

    async def move(self, listing_id: uuid.UUID, move: ListingMove, request: Requested) -> Listing:
        return await self._listings.move(listing_id, move, request_id=request.request_id)

    async def abandon_withdrawal(self, listing_id: uuid.UUID, undo: Undo) -> UndoneListing:
        return await self._listings.abandon_withdrawal(listing_id, undo)

    async def claim(self, listing_id: uuid.UUID, claim: ClaimListing) -> Listing:
        return await self._listings.claim(listing_id, claim)

    async def release_claim(self, listing_id: uuid.UUID, release: ReleaseClaim) -> UndoneListing:
        return await self._listings.release_claim(listing_id, release)

    async def complete(self, listing_id: uuid.UUID, completion: CompleteListing) -> Listing:
        return await self._listings.complete(listing_id, completion)

    async def find(self, listing_id: uuid.UUID) -> Listing:
        """Return any listing, for other services.

        Raises:
            ListingNotFound: no such listing.
        """
        listing = await self._listings.find(listing_id)
        if listing is None:
            raise ListingNotFound
        return listing

    async def oldest(self, event_id: uuid.UUID, *, status: ListingStatus | None, limit: int) -> list[Listing]:
        """Return an event's listings, the oldest first."""
        return await self._listings.oldest(event_id, status=status, limit=limit)

    async def counts(self, event_id: uuid.UUID) -> dict[ListingStatus, int]:
        """Return how many listings of the event there are of every status."""
        return dict.fromkeys(ListingStatus, 0) | await self._listings.counts(event_id)

    async def show(self, listing_id: uuid.UUID, *, to: Principal) -> Listing:
        """Return a listing as the user may see it.

        Raises:
            ListingNotFound: no such listing, or it is not on the market yet and somebody else's.
        """
        listing = await self.find(listing_id)
        if listing.status == ListingStatus.OPENING and not listing.is_known_to(to):
            raise ListingNotFound
        return listing.as_seen_by(to)

    async def market(
        self, user: Principal, *, status: ListingStatus, event_id: uuid.UUID | None, limit: int, offset: int
    ) -> tuple[list[Listing], int]:
        """Return a page of everybody's listings as the user may see them, and how many there are in all."""
        found, total = await self._listings.page_on_market(status=status, event_id=event_id, limit=limit, offset=offset)
        return [listing.as_seen_by(user) for listing in found], total

    async def list_of(
        self, user: Principal, *, status: ListingStatus | None, limit: int, offset: int
    ) -> tuple[list[Listing], int]:
        """Return a page of the listings one sells or buys, and how many there are in all."""
        return await self._listings.page_of(user.user_id, status=status, limit=limit, offset=offset)
