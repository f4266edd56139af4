"""HTTP routes of the venues."""

from typing import Annotated, Final

from fastapi import APIRouter

from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, paginated, refusals
from events.venues.schemas import Venue
from events.venues.service import VenueService

__all__ = ["public"]

public: Final = APIRouter(prefix="/api/venues", tags=["Venues"])


@public.get("", summary="List venues", responses=refusals({400: "VALIDATION_ERROR"}))
async def list_venues(venues: Annotated[VenueService, provided(VenueService)], page: PageQuery) -> Paginated[Venue]:
    """All venues, by name. Open to all callers."""
    return paginated(await venues.list_all(limit=page.per_page, offset=page.offset), page)
