"""Venues in PostgreSQL."""

from sqlalchemy import select

from common.db.engine import Database
from common.db.pages import find_page
from common.pages import Total
from common.rows import readable
from events.venues.models import venues
from events.venues.schemas import Venue


class VenueRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, *, limit: int, offset: int) -> tuple[list[Venue], Total]:
        """Return one page by name, and the number of venues on all pages."""
        found = select(*(venues.c[name] for name in Venue.model_fields))
        sorting = venues.c.name, venues.c.venue_id
        rows, total = await find_page(
            self._database, found, *sorting, key=venues.c.venue_id, limit=limit, offset=offset
        )
        return readable(rows, Venue.model_validate, of="venues"), total
