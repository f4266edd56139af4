"""What can be done with venues: they are read; an event's draft may bring one along."""

from events.venues.repository import VenueRepository
from events.venues.schemas import Venue

__all__ = ["VenueService"]


class VenueService:
    def __init__(self, repository: VenueRepository) -> None:
        self._venues = repository

    async def list_all(self, *, limit: int, offset: int) -> tuple[list[Venue], int]:
        """Return one page by name, and how many venues there are in all."""
        return await self._venues.page(limit=limit, offset=offset)
