"""HTTP routes of listings: the marketplace for users, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Integer
from common.http.auth import CurrentUser, require_service
from common.http.calls import RepeatableCall, UndoCall
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    CursorPageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from orders.listings.schemas import (
    ClaimListing,
    CompleteListing,
    Listing,
    OpenListing,
    ReleaseClaim,
    StatusOnMarket,
    UndoneListing,
)
from orders.listings.service import ListingService
from orders.listings.status import ListingMove, ListingStatus
from orders.shared.routes import MoveRoute, add_move_routes

__all__ = ["internal", "public"]

Listings = Annotated[ListingService, provided(ListingService)]
OfStatus = Annotated[ListingStatus | None, Query(description="Only listings of this status.")]

_OPEN_REFUSALS: Final = {
    400: BAD_INPUT,
    409: "LISTING_INVALID_STATE, TRANSFER_IN_PROGRESS, REQUEST_UNDONE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_UNDO_REFUSALS: Final = {400: BAD_INPUT, 409: "LISTING_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_UNDO_REFUSALS, 404: "LISTING_NOT_FOUND"}
_UNDONE: Final = {409: "LISTING_INVALID_STATE, REQUEST_UNDONE"}

public: Final = APIRouter(prefix="/api", tags=["Marketplace"])
internal: Final = APIRouter(
    prefix="/internal/listings", tags=["Internal: listings"], dependencies=[Depends(require_service)]
)


@public.get(
    "/marketplace/listings",
    summary="Browse the marketplace",
    responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN}),
)
async def browse_listings(
    user: CurrentUser,
    listings: Listings,
    page: CursorPageQuery,
    *,
    status: StatusOnMarket = ListingStatus.ACTIVE,
    event_id: Annotated[uuid.UUID | None, Query(description="Only tickets of this event.")] = None,
) -> Paginated[Listing]:
    """Newest first; listings that can be bought if no status is named. Fields private to other users are null."""
    found = await listings.market(
        user, status=status, event_id=event_id, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@public.get(
    "/marketplace/listings/{listing_id}",
    summary="Show a listing",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 404: "LISTING_NOT_FOUND"}),
)
async def show_listing(listing_id: uuid.UUID, user: CurrentUser, listings: Listings) -> Success[Listing]:
    """Open to every user. Only seller, buyer and admins see its order and its buyer, and the seller once it is over."""
    return success(await listings.show(listing_id, to=user))


@public.get("/listings", summary="List my listings", responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN}))
async def list_listings(
    user: CurrentUser, listings: Listings, page: CursorPageQuery, status: OfStatus = None
) -> Paginated[Listing]:
    """The listings that the caller sells or buys, newest first."""
    found = await listings.list_of(user, status=status, limit=page.per_page, offset=page.offset, after=page.after)
    return paginated(found, page)


@internal.post("", responses=refusals(_OPEN_REFUSALS))
async def open_listing(opening: OpenListing, listings: Listings) -> Success[Listing]:
    return success(await listings.open(opening))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def oldest_listings(
    listings: Listings,
    event_id: uuid.UUID,
    status: OfStatus = None,
    limit: Annotated[Integer, Query(ge=1, le=200)] = 200,
) -> Success[list[Listing]]:
    """The event's listings, oldest first."""
    return success(await listings.oldest(event_id, status=status, limit=limit))


@internal.get("/counts", responses=refusals({400: BAD_INPUT}))
async def count_listings(listings: Listings, event_id: uuid.UUID) -> Success[dict[ListingStatus, int]]:
    """The number of the event's listings of every status."""
    return success(await listings.counts(event_id))


@internal.get("/events-on-market", responses=refusals({400: BAD_INPUT}))
async def list_events_on_market(
    listings: Listings, after: uuid.UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 200
) -> Success[list[uuid.UUID]]:
    """The events that have ACTIVE listings, in the order of their ids."""
    return success(await listings.events_on_market(after=after, limit=limit))


@internal.get("/{listing_id}", responses=refusals({400: "INVALID_UUID", 404: "LISTING_NOT_FOUND"}))
async def find_listing(listing_id: uuid.UUID, listings: Listings) -> Success[Listing]:
    return success(await listings.find(listing_id))


@internal.post(
    "/{listing_id}/claim", responses=refusals({**_MOVE_REFUSALS, **_UNDONE, 400: f"{BAD_INPUT}, SELF_TRANSFER"})
)
async def claim_listing(listing_id: uuid.UUID, claim: ClaimListing, listings: Listings) -> Success[Listing]:
    """Of several concurrent claims of a listing, exactly one succeeds."""
    return success(await listings.claim(listing_id, claim))


@internal.post("/{listing_id}/begin-owner-change", responses=refusals({**_MOVE_REFUSALS, **_UNDONE}))
async def begin_owner_change(listing_id: uuid.UUID, call: RepeatableCall, listings: Listings) -> Success[Listing]:
    """Until it is abandoned, no transfer of the ticket can be disputed. Refused if one is."""
    return success(await listings.begin_owner_change(listing_id, call))


@internal.post("/{listing_id}/abandon-owner-change", responses=refusals(_UNDO_REFUSALS))
async def abandon_owner_change(listing_id: uuid.UUID, undo: UndoCall, listings: Listings) -> Success[UndoneListing]:
    """The undo of begin-owner-change, which may never have arrived."""
    return success(await listings.abandon_owner_change(listing_id, undo))


add_move_routes(
    internal,
    ListingService,
    {
        "discard": MoveRoute(
            ListingMove.DISCARD, UndoCall, "The undo of opening; the listing may never have been opened."
        ),
        "activate": MoveRoute(ListingMove.ACTIVATE),
        "begin-withdrawal": MoveRoute(ListingMove.BEGIN_WITHDRAWAL, codes=_UNDONE),
        "abandon-withdrawal": MoveRoute(
            ListingMove.ABANDON_WITHDRAWAL, UndoCall, "The undo of begin-withdrawal, which may never have arrived."
        ),
        "cancel": MoveRoute(ListingMove.CANCEL),
        "release-claim": MoveRoute(
            ListingMove.RELEASE_CLAIM, ReleaseClaim, "The undo of a claim, which may never have arrived."
        ),
        "complete": MoveRoute(ListingMove.COMPLETE, CompleteListing),
    },
    key="listing_id",
    moved=Success[Listing],
    undone=Success[UndoneListing],
    codes=_MOVE_REFUSALS,
)
