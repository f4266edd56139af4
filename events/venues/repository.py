"""Venues in PostgreSQL."""

from sqlalchemy import func, select

from common.db.engine import Database
from events.venues.models import venues
from events.venues.schemas import Venue


class VenueRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, *, limit: int, offset: int) -> tuple[list[Venue], int]:
        """Return one page by name, and the number of venues on all pages."""
        counted = await self._database.fetch_one(select(func.count().label("total")).select_from(venues))
        rows = await self._database.fetch_all(
            select(venues.c.venue_id, venues.c.name, venues.c.address, venues.c.total_halls, venues.c.halls)
            .order_by(venues.c.name, venues.c.venue_id)
            .limit(limit)
            .offset(offset)
        )
        return [Venue(**row) for row in rows], counted["total"] if counted else 0
