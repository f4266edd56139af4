"""HTTP at the edge of the venues."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from common.http.envelope import PageQuery, Paginated, paginated, refusals
from events.venues.schemas import Venue
from events.venues.service import VenueService

__all__ = ["public"]


async def _service(request: Request) -> VenueService:
    service: VenueService = request.app.state.venues
    return service


Venues = Annotated[VenueService, Depends(_service)]

public: Final = APIRouter(prefix="/api/venues", tags=["Venues"])


@public.get("", summary="List venues", responses=refusals({400: "VALIDATION_ERROR"}))
async def list_venues(venues: Venues, page: PageQuery) -> Paginated[Venue]:
    """All venues, by name. Open to everybody."""
    items, total = await venues.list_all(limit=page.per_page, offset=page.offset)
    return paginated(items, page=page, total=total)
