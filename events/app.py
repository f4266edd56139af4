"""Constructs the events service."""

from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.database_app import database_app
from common.db.engine import Database
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from events.articles import routes as article_routes
from events.articles.repository import ArticleRepository
from events.articles.service import ArticleService
from events.catalogue import routes as catalogue_routes
from events.catalogue.repository import EventRepository
from events.catalogue.service import CatalogueService
from events.menus import routes as menu_routes
from events.menus.repository import MenuFactsRepository, MenuRepository, WhitelistRepository
from events.menus.routes import internal as menu_facts_routes
from events.menus.routes import tip_menus as tip_menu_routes
from events.menus.schemas import MenuItem, MenuKind, OwnMenu, TipItem, TipMenu
from events.menus.service import MenuFactsService, PerformanceMenuService, TipMenuService
from events.performers import routes as performer_routes
from events.performers.repository import PerformerRepository
from events.performers.service import PerformerService
from events.personal_data import routes as personal_data_routes
from events.personal_data.repository import PersonalDataRepository
from events.personal_data.service import PersonalDataService
from events.products import routes as product_routes
from events.products.repository import ProductRepository
from events.products.service import ProductService
from events.settings import Settings
from events.venues import routes as venue_routes
from events.venues.repository import VenueRepository
from events.venues.service import VenueService
from rabbitmq.topology import platform_topology

SERVICE: Final = "events"


def create_app(settings: Settings, *, user_tokens: UserTokenVerifier | None = None) -> FastAPI:
    """Return the app; users' tokens are verified against `JWKS_URL` if `user_tokens` is omitted."""
    database = Database(settings, application_name=SERVICE)
    publisher = Publisher(
        settings.rabbitmq_url.get_secret_value(),
        service=SERVICE,
        topology=platform_topology(settings.hold_ttl_seconds),
        timeout_seconds=settings.publish_timeout_seconds,
    )
    relay = OutboxRelay(
        database,
        publisher,
        poll_seconds=settings.outbox_poll_seconds,
        keep_hours=settings.outbox_retention_hours,
    )
    return database_app(
        service=SERVICE,
        settings=settings,
        database=database,
        brokers={"broker": publisher.broker},
        tasks=(relay,),
        services=_services(database),
        routers=(
            venue_routes.public,
            catalogue_routes.internal,
            performer_routes.internal,
            menu_facts_routes.router,
            personal_data_routes.internal,
            article_routes.internal,
            article_routes.public,
            product_routes.internal,
            product_routes.public,
            product_routes.admin,
            performer_routes.public,
            tip_menu_routes.public,
            menu_routes.performer_router,
            menu_routes.admin_router,
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
        ArticleService(ArticleRepository(database)),
        ProductService(ProductRepository(database)),
        performers,
        TipMenuService(grids, performers),
        PerformanceMenuService(menus, WhitelistRepository(database)),
        MenuFactsService(MenuFactsRepository(database), performers),
        PersonalDataService(PersonalDataRepository(database)),
    )
