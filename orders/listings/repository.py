"""Listings in PostgreSQL."""

import uuid

from sqlalchemy import or_, select

from common.db.engine import Database
from common.db.pages import has_value
from common.errors import ServiceError
from common.pages import Cursor, Total
from orders.listings.errors import ListingAlreadyOpened, ListingInvalidState, ListingNotFound, OwnListing
from orders.listings.models import listings
from orders.listings.schemas import ClaimListing, Listing, UndoneListing
from orders.listings.statements import LISTINGS, MOVES, OPEN
from orders.listings.status import ListingMove, ListingStatus
from orders.shared.repository import SeatAggregateRepository


class ListingRepository(SeatAggregateRepository[Listing, UndoneListing]):
    def __init__(self, database: Database) -> None:
        super().__init__(
            database,
            LISTINGS,
            Listing,
            undone=UndoneListing,
            open_statement=OPEN,
            statements=MOVES,
            not_found=ListingNotFound,
            invalid_state=ListingInvalidState,
            already_opened=ListingAlreadyOpened,
        )

    async def claim(self, listing_id: uuid.UUID, claim: ClaimListing) -> Listing:
        """Reserve an ACTIVE listing for one sale.

        Raises:
            OwnListing: the buyer is its seller.
            ListingNotFound: no such listing.
            ListingInvalidState: it is not on the market, or in another sale.
        """

        async def refuse() -> ServiceError:
            listing = await self.find(listing_id)
            is_own = listing is not None and listing.seller_user_id == claim.buyer_user_id
            return OwnListing() if is_own else await self._transitions.refusal(listing_id)

        return await self.move(listing_id, ListingMove.CLAIM, claim, refuse=refuse)

    async def events_on_market(self, *, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
        """Return the ids of events with ACTIVE listings, in ascending order, those after `after`."""
        found = select(listings.c.event_id).distinct().where(has_value(listings.c.status, ListingStatus.ACTIVE))
        if after is not None:
            found = found.where(listings.c.event_id > after)
        rows = await self._database.fetch_all(found.order_by(listings.c.event_id).limit(limit))
        return [row["event_id"] for row in rows]

    async def page_on_market(
        self,
        *,
        status: ListingStatus,
        event_id: uuid.UUID | None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[Listing], Total]:
        """Return one page of all users' listings, newest first, and the number on all pages."""
        of_event = () if event_id is None else (listings.c.event_id == event_id,)
        return await self._page(*of_event, status=status, limit=limit, offset=offset, after=after)

    async def page_of(
        self,
        party_user_id: uuid.UUID,
        *,
        status: ListingStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[Listing], Total]:
        """Return one page of a seller's or buyer's listings, newest first, and the number on all pages."""
        is_party = or_(listings.c.seller_user_id == party_user_id, listings.c.buyer_user_id == party_user_id)
        return await self._page(is_party, status=status, limit=limit, offset=offset, after=after)
