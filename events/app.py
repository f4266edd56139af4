"""Constructs the events service."""

from typing import Final

from fastapi import APIRouter, FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.database_app import database_app
from common.db.engine import Database
from events.catalogue import routes as catalogue_routes
from events.catalogue.repository import EventRepository
from events.catalogue.service import CatalogueService
from events.menus.repository import MenuFactsRepository, MenuRepository, WhitelistRepository
from events.menus.routes import internal as menu_facts_routes
from events.menus.routes import performance_menus as menu_routes
from events.menus.routes import tip_menus as tip_menu_routes
from events.menus.schemas import MenuItem, MenuKind, OwnMenu, TipItem, TipMenu
from events.menus.service import MenuFactsService, PerformanceMenuService, TipMenuService
from events.performers import routes as performer_routes
from events.performers.acting import ADMIN_PREFIX, AS_ADMIN, AS_PERFORMER, OWN_PREFIX
from events.performers.repository import PerformerRepository
from events.performers.service import PerformerService
from events.personal_data import routes as personal_data_routes
from events.personal_data.repository import PersonalDataRepository
from events.personal_data.service import PersonalDataService
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
        services=_services(database),
        routers=(
            venue_routes.public,
            catalogue_routes.internal,
            performer_routes.internal,
            menu_facts_routes.router,
            personal_data_routes.internal,
            performer_routes.public,
            tip_menu_routes.public,
            *_managed(),
        ),
        user_tokens=user_tokens,
    )


def _services(database: Database) -> tuple[object, ...]:
    performers = PerformerService(PerformerRepository(database))
    grids = MenuRepository(database, MenuKind.TIP, TipMenu, TipItem)
    menus = MenuRepository(database, MenuKind.PERFORMANCE, OwnMenu, MenuItem)
    return (
        CatalogueService(EventRepository(database)),
        VenueService(VenueRepository(database)),
        performers,
        TipMenuService(grids, performers),
        PerformanceMenuService(menus, WhitelistRepository(database)),
        MenuFactsService(MenuFactsRepository(database), performers),
        PersonalDataService(PersonalDataRepository(database)),
    )


def _managed() -> tuple[APIRouter, APIRouter]:
    """Return what performers do for themselves, and the same for admins."""
    own = APIRouter(prefix=OWN_PREFIX, dependencies=[AS_PERFORMER])
    of_any = APIRouter(prefix=ADMIN_PREFIX, dependencies=[AS_ADMIN])
    for router in (own, of_any):
        router.include_router(performer_routes.managed)
        router.include_router(tip_menu_routes.managed)
        router.include_router(menu_routes.managed)
        router.include_router(menu_routes.templates)
    return own, of_any
