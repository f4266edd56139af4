"""Listings in PostgreSQL."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, TextClause, or_, text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from orders.listings.errors import ListingAlreadyOpened, ListingInvalidState, ListingNotFound, OwnListing
from orders.listings.models import listings
from orders.listings.schemas import ClaimListing, CompleteListing, Listing, OpenListing, ReleaseClaim, UndoneListing
from orders.listings.statements import (
    ABANDON,
    CANCEL,
    CLAIM,
    COMPLETE,
    DISCARD,
    LISTINGS,
    MOVE,
    OPEN,
    RELEASE_CLAIM,
    listing_json,
)
from orders.listings.status import ListingMove, ListingStatus
from orders.shared.queries import Reader
from orders.shared.schemas import Undo
from orders.shared.seat_exclusivity import seat_occupied
from orders.shared.transitions import TransitionRunner

__all__ = ["ListingRepository"]

_FIND: Final = text(f"SELECT {listing_json('listings')} AS found FROM listings WHERE listing_id = :listing_id")  # noqa: S608


class ListingRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)
        self._mover = TransitionRunner(database, LISTINGS, not_found=ListingNotFound, invalid_state=ListingInvalidState)
        self._reader = Reader(database, listings, listing_json("listings"))

    async def open(self, opening: OpenListing) -> Listing:
        """Store a listing that is not on the market yet.

        Raises:
            TransferInProgress: the seat is in a transfer.
            ListingInvalidState: the seat is in another listing.
            ListingAlreadyOpened: another request opened that listing id.
            RequestUndone: the undo of this request came first.
        """
        columns = opening.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(opening.request_id, "listing_id.OPEN", **columns)
        attempt = await self._memory.attempt(request, OPEN, columns)
        if attempt.done is not None:
            return Listing(**attempt.done)
        occupant = attempt.row["occupant"]
        refusal = seat_occupied(occupant) if occupant else ListingAlreadyOpened()
        return Listing(**await self._memory.remember_refusal(request, refusal))

    async def discard(self, listing_id: uuid.UUID, undo: Undo) -> UndoneListing:
        """Undo an opening, also one that never came.

        Raises:
            ListingInvalidState: the listing went on the market.
        """
        return await self._undone(listing_id, ListingMove.DISCARD, DISCARD, **undo.model_dump())

    async def move(self, listing_id: uuid.UUID, move: ListingMove, *, request_id: uuid.UUID) -> Listing:
        """Make a move that needs nothing but the request's id.

        Raises:
            ListingNotFound: no such listing.
            ListingInvalidState: its status does not allow that.
        """
        statement = CANCEL if move is ListingMove.CANCEL else MOVE
        return Listing(**await self._mover.move(listing_id, move, statement, request_id=request_id))

    async def abandon_withdrawal(self, listing_id: uuid.UUID, undo: Undo) -> UndoneListing:
        """Undo the beginning of a withdrawal, also one that never came.

        Raises:
            ListingInvalidState: the listing is withdrawn.
        """
        return await self._undone(listing_id, ListingMove.ABANDON_WITHDRAWAL, ABANDON, **undo.model_dump())

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
            return OwnListing() if is_own else await self._mover.refusal(listing_id)

        arguments = claim.model_dump()
        return Listing(**await self._mover.move(listing_id, ListingMove.CLAIM, CLAIM, refuse=refuse, **arguments))

    async def release_claim(self, listing_id: uuid.UUID, release: ReleaseClaim) -> UndoneListing:
        """Undo a claim, also one that never came.

        Raises:
            ListingInvalidState: the sale is completed.
        """
        return await self._undone(listing_id, ListingMove.RELEASE_CLAIM, RELEASE_CLAIM, **release.model_dump())

    async def complete(self, listing_id: uuid.UUID, completion: CompleteListing) -> Listing:
        """End a listing that is in that sale as sold.

        Raises:
            ListingNotFound: no such listing.
            ListingInvalidState: it is in no sale, or in another one.
        """
        arguments = completion.model_dump()
        return Listing(**await self._mover.move(listing_id, ListingMove.COMPLETE, COMPLETE, **arguments))

    async def find(self, listing_id: uuid.UUID) -> Listing | None:
        found = await self._database.fetch_one(_FIND, {"listing_id": listing_id})
        return Listing(**found["found"]) if found else None

    async def page_on_market(
        self, *, status: ListingStatus, event_id: uuid.UUID | None, limit: int, offset: int
    ) -> tuple[list[Listing], int]:
        """Return one page of everybody's, newest first, and how many there are in all."""
        of_event = [] if event_id is None else [listings.c.event_id == event_id]
        return await self._page([listings.c.status == status, *of_event], limit=limit, offset=offset)

    async def page_of(
        self, party_user_id: uuid.UUID, *, status: ListingStatus | None, limit: int, offset: int
    ) -> tuple[list[Listing], int]:
        """Return one page of those somebody sells or buys, newest first, and how many there are in all."""
        is_party = or_(listings.c.seller_user_id == party_user_id, listings.c.buyer_user_id == party_user_id)
        return await self._page([is_party, *_of_status(status)], limit=limit, offset=offset)

    async def oldest(self, event_id: uuid.UUID, *, status: ListingStatus | None, limit: int) -> list[Listing]:
        conditions = [listings.c.event_id == event_id, *_of_status(status)]
        return [Listing(**each) for each in await self._reader.oldest(conditions, limit=limit)]

    async def counts(self, event_id: uuid.UUID) -> dict[ListingStatus, int]:
        """Return how many listings of the event there are of each status; statuses without one are left out."""
        counts = await self._reader.counts(event_id)
        return {ListingStatus(status): count for status, count in counts.items()}

    async def _page(
        self, conditions: Sequence[ColumnElement[bool]], *, limit: int, offset: int
    ) -> tuple[list[Listing], int]:
        found, total = await self._reader.page(conditions, limit=limit, offset=offset)
        return [Listing(**each) for each in found], total

    async def _undone(
        self, listing_id: uuid.UUID, move: ListingMove, statement: TextClause, **arguments: Any
    ) -> UndoneListing:
        return UndoneListing(**await self._mover.undo(listing_id, move, statement, **arguments))


def _of_status(status: ListingStatus | None) -> list[ColumnElement[bool]]:
    return [] if status is None else [listings.c.status == status]
