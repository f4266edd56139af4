"""The events service, constructed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.health import Health
from common.http.app import base_app
from events.catalogue import routes as catalogue_routes
from events.catalogue.repository import EventRepository
from events.catalogue.service import CatalogueService
from events.settings import Settings
from events.venues import routes as venue_routes
from events.venues.repository import VenueRepository
from events.venues.service import VenueService

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "events"


def create_app(settings: Settings, *, user_tokens: UserTokenVerifier | None = None) -> FastAPI:
    """Return the app.

    Args:
        user_tokens: how users' tokens are verified; against `JWKS_URL` when omitted.
    """
    database = Database(settings, application_name=SERVICE)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    app = base_app(
        service=SERVICE,
        title="TicketRemaster events",
        settings=settings,
        lifespan=lifespan,
        health=Health(required={"database": database.is_healthy}),
        user_tokens=user_tokens,
    )
    app.state.catalogue = CatalogueService(EventRepository(database))
    app.state.venues = VenueService(VenueRepository(database))
    app.include_router(venue_routes.public)
    app.include_router(catalogue_routes.internal)
    return app
