"""HTTP at the edge of listings: the marketplace as users see it, and what the orchestrator does."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from common.http.auth import CurrentUser, require_service
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
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
from orders.shared.schemas import Requested, Undo

__all__ = ["internal", "public"]


async def _service(request: Request) -> ListingService:
    service: ListingService = request.app.state.listings
    return service


Listings = Annotated[ListingService, Depends(_service)]
OfStatus = Annotated[ListingStatus | None, Query(description="Only listings of this status.")]

_BAD_INPUT: Final = "VALIDATION_ERROR, INVALID_UUID"
_NOT_LOGGED_IN: Final = "UNAUTHORIZED, TOKEN_EXPIRED"
_OPEN_REFUSALS: Final = {
    400: _BAD_INPUT,
    409: "LISTING_INVALID_STATE, TRANSFER_IN_PROGRESS, REQUEST_UNDONE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_UNDO_REFUSALS: Final = {400: _BAD_INPUT, 409: "LISTING_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_UNDO_REFUSALS, 404: "LISTING_NOT_FOUND"}
_UNDONE: Final = "LISTING_INVALID_STATE, REQUEST_UNDONE"

public: Final = APIRouter(prefix="/api", tags=["Marketplace"])
internal: Final = APIRouter(
    prefix="/internal/listings", tags=["Internal: listings"], dependencies=[Depends(require_service)]
)


@public.get(
    "/marketplace/listings",
    summary="Browse the marketplace",
    responses=refusals({400: _BAD_INPUT, 401: _NOT_LOGGED_IN}),
)
async def browse_listings(
    user: CurrentUser,
    listings: Listings,
    page: PageQuery,
    *,
    status: StatusOnMarket = ListingStatus.ACTIVE,
    event_id: Annotated[uuid.UUID | None, Query(description="Only tickets of this event.")] = None,
) -> Paginated[Listing]:
    """Newest first; those that can be bought when no status is asked for. What is other people's business is null."""
    items, total = await listings.market(
        user, status=status, event_id=event_id, limit=page.per_page, offset=page.offset
    )
    return paginated(items, page=page, total=total)


@public.get(
    "/marketplace/listings/{listing_id}",
    summary="Show a listing",
    responses=refusals({400: "INVALID_UUID", 401: _NOT_LOGGED_IN, 404: "LISTING_NOT_FOUND"}),
)
async def show_listing(listing_id: uuid.UUID, user: CurrentUser, listings: Listings) -> Success[Listing]:
    """To any user; its order and who is buying are shown to the two and to admins, and once it is over its seller too."""
    return success(await listings.show(listing_id, to=user))


@public.get("/listings", summary="List my listings", responses=refusals({400: _BAD_INPUT, 401: _NOT_LOGGED_IN}))
async def list_listings(
    user: CurrentUser, listings: Listings, page: PageQuery, status: OfStatus = None
) -> Paginated[Listing]:
    """Those one sells or buys, newest first."""
    items, total = await listings.list_of(user, status=status, limit=page.per_page, offset=page.offset)
    return paginated(items, page=page, total=total)


@internal.post("", responses=refusals(_OPEN_REFUSALS))
async def open_listing(opening: OpenListing, listings: Listings) -> Success[Listing]:
    return success(await listings.open(opening))


@internal.get("", responses=refusals({400: _BAD_INPUT}))
async def oldest_listings(
    listings: Listings,
    event_id: uuid.UUID,
    status: OfStatus = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Success[list[Listing]]:
    """An event's, the oldest first."""
    return success(await listings.oldest(event_id, status=status, limit=limit))


@internal.get("/counts", responses=refusals({400: _BAD_INPUT}))
async def count_listings(listings: Listings, event_id: uuid.UUID) -> Success[dict[ListingStatus, int]]:
    """How many of the event there are of every status."""
    return success(await listings.counts(event_id))


@internal.get("/{listing_id}", responses=refusals({400: "INVALID_UUID", 404: "LISTING_NOT_FOUND"}))
async def find_listing(listing_id: uuid.UUID, listings: Listings) -> Success[Listing]:
    return success(await listings.find(listing_id))


@internal.post("/{listing_id}/discard", responses=refusals(_UNDO_REFUSALS))
async def discard_listing(listing_id: uuid.UUID, undo: Undo, listings: Listings) -> Success[UndoneListing]:
    """The undo of opening; the listing may never have been opened."""
    return success(await listings.discard(listing_id, undo))


@internal.post("/{listing_id}/activate", responses=refusals(_MOVE_REFUSALS))
async def activate_listing(listing_id: uuid.UUID, request: Requested, listings: Listings) -> Success[Listing]:
    return success(await listings.move(listing_id, ListingMove.ACTIVATE, request))


@internal.post("/{listing_id}/begin-withdrawal", responses=refusals({**_MOVE_REFUSALS, 409: _UNDONE}))
async def begin_withdrawal(listing_id: uuid.UUID, request: Requested, listings: Listings) -> Success[Listing]:
    return success(await listings.move(listing_id, ListingMove.BEGIN_WITHDRAWAL, request))


@internal.post("/{listing_id}/abandon-withdrawal", responses=refusals(_UNDO_REFUSALS))
async def abandon_withdrawal(listing_id: uuid.UUID, undo: Undo, listings: Listings) -> Success[UndoneListing]:
    """The undo of begin-withdrawal, which may never have come."""
    return success(await listings.abandon_withdrawal(listing_id, undo))


@internal.post("/{listing_id}/cancel", responses=refusals(_MOVE_REFUSALS))
async def cancel_listing(listing_id: uuid.UUID, request: Requested, listings: Listings) -> Success[Listing]:
    return success(await listings.move(listing_id, ListingMove.CANCEL, request))


@internal.post(
    "/{listing_id}/claim", responses=refusals({**_MOVE_REFUSALS, 400: f"{_BAD_INPUT}, SELF_TRANSFER", 409: _UNDONE})
)
async def claim_listing(listing_id: uuid.UUID, claim: ClaimListing, listings: Listings) -> Success[Listing]:
    """Of several who claim a listing at once, one gets it."""
    return success(await listings.claim(listing_id, claim))


@internal.post("/{listing_id}/release-claim", responses=refusals(_UNDO_REFUSALS))
async def release_claim(listing_id: uuid.UUID, release: ReleaseClaim, listings: Listings) -> Success[UndoneListing]:
    """The undo of a claim, which may never have come."""
    return success(await listings.release_claim(listing_id, release))


@internal.post("/{listing_id}/complete", responses=refusals(_MOVE_REFUSALS))
async def complete_listing(listing_id: uuid.UUID, completion: CompleteListing, listings: Listings) -> Success[Listing]:
    return success(await listings.complete(listing_id, completion))
