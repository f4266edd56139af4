"""What the orders service does with listings."""

import uuid

from common.auth.principal import Principal
from common.pages import Cursor, Total
from orders.listings.errors import ListingNotFound
from orders.listings.repository import ListingRepository
from orders.listings.schemas import ClaimListing, Listing, UndoneListing
from orders.listings.status import ListingStatus
from orders.shared.service import SeatAggregateService


class ListingService(SeatAggregateService[Listing, UndoneListing, ListingStatus]):
    statuses = ListingStatus
    not_found = ListingNotFound

    def __init__(self, repository: ListingRepository) -> None:
        super().__init__(repository)
        self._listings = repository

    async def claim(self, listing_id: uuid.UUID, claim: ClaimListing) -> Listing:
        return await self._listings.claim(listing_id, claim)

    async def show(self, listing_id: uuid.UUID, *, to: Principal) -> Listing:
        """Return a listing as the user may see it.

        Raises:
            ListingNotFound: no such listing, or another user's listing that is not on the market yet.
        """
        listing = await self.find(listing_id)
        if listing.status == ListingStatus.OPENING and not listing.is_known_to(to):
            raise ListingNotFound
        return listing.as_seen_by(to)

    async def events_on_market(self, *, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
        return await self._listings.events_on_market(after=after, limit=limit)

    async def market(
        self,
        user: Principal,
        *,
        status: ListingStatus,
        event_id: uuid.UUID | None,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[Listing], Total]:
        """Return a page of all listings as the user may see them, and the number on all pages."""
        items, total = await self._listings.page_on_market(
            status=status, event_id=event_id, limit=limit, offset=offset, after=after
        )
        return [listing.as_seen_by(user) for listing in items], total

    async def list_of(
        self, user: Principal, *, status: ListingStatus | None, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[Listing], Total]:
        """Return a page of the listings that the user sells or buys, and the number on all pages."""
        return await self._listings.page_of(user.user_id, status=status, limit=limit, offset=offset, after=after)
