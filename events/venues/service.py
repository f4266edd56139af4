"""What the events service does with venues: it lists them; an event's draft may add one."""

from common.pages import Total
from events.venues.repository import VenueRepository
from events.venues.schemas import Venue


class VenueService:
    def __init__(self, repository: VenueRepository) -> None:
        self._venues = repository

    async def list_all(self, *, limit: int, offset: int) -> tuple[list[Venue], Total]:
        """Return one page by name, and the number of venues on all pages."""
        return await self._venues.page(limit=limit, offset=offset)
