"""Constructs the orders service."""

from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.database_app import database_app
from common.db.engine import Database
from common.periodic import PeriodicTask
from orders.listings import routes as listing_routes
from orders.listings.repository import ListingRepository
from orders.listings.service import ListingService
from orders.performer_queues import routes as performer_queue_routes
from orders.performer_queues.repository import PerformerQueueRepository
from orders.performer_queues.service import PerformerQueueService
from orders.personal_data import routes as personal_data_routes
from orders.personal_data.service import PersonalDataService
from orders.purchased_items import routes as purchased_item_routes
from orders.purchased_items.repository import PurchasedItemRepository
from orders.purchased_items.service import PurchasedItemService
from orders.settings import Settings
from orders.ticket_orders import routes as order_routes
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.service import OrderService
from orders.transfers import routes as transfer_routes
from orders.transfers.repository import TransferRepository
from orders.transfers.service import TransferService

SERVICE: Final = "orders"


def create_app(settings: Settings, *, user_tokens: UserTokenVerifier | None = None) -> FastAPI:
    """Return the app; users' tokens are verified against `JWKS_URL` if `user_tokens` is omitted."""
    database = Database(settings, application_name=SERVICE)
    orders, transfers = OrderRepository(database), TransferRepository(database)
    listings, queues = ListingRepository(database), PerformerQueueRepository(database)
    return database_app(
        service=SERVICE,
        settings=settings,
        database=database,
        services=(
            OrderService(orders),
            TransferService(transfers),
            ListingService(listings),
            PurchasedItemService(PurchasedItemRepository(database)),
            PerformerQueueService(queues),
            PersonalDataService(orders=orders, transfers=transfers, listings=listings),
        ),
        # Routes are matched in order, so the hot ones come first.
        routers=[
            *(
                router
                for routes in (order_routes, purchased_item_routes, transfer_routes, listing_routes)
                for router in (routes.internal, routes.public)
            ),
            performer_queue_routes.internal,
            personal_data_routes.internal,
        ],
        user_tokens=user_tokens,
        tasks=(
            PeriodicTask(
                queues.place_due,
                queues.announce_next,
                name="performer queues",
                interval_seconds=settings.performer_queue_interval_seconds,
            ),
        ),
    )
