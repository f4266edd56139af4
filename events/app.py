"""Constructs the events service."""

from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.database_app import database_app
from common.db.engine import Database
from events.catalogue import routes as catalogue_routes
from events.catalogue.repository import EventRepository
from events.catalogue.service import CatalogueService
from events.settings import Settings
from events.venues import routes as venue_routes
from events.venues.repository import VenueRepository
from events.venues.service import VenueService

SERVICE: Final = "events"


def create_app(settings: Settings, *, user_tokens: UserTokenVerifier | None = None) -> FastAPI:
    """Return the app; users' tokens are verified against `JWKS_URL` if `user_tokens` is omitted."""
    database = Database(settings, application_name=SERVICE)
    return database_app(
        service=SERVICE,
        settings=settings,
        database=database,
        services=(CatalogueService(EventRepository(database)), VenueService(VenueRepository(database))),
        routers=(venue_routes.public, catalogue_routes.internal),
        user_tokens=user_tokens,
    )
