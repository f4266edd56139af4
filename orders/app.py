"""Constructs the orders service."""

from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.database_app import database_app
from common.db.engine import Database
from orders.listings import routes as listing_routes
from orders.listings.repository import ListingRepository
from orders.listings.service import ListingService
from orders.personal_data import routes as personal_data_routes
from orders.personal_data.service import PersonalDataService
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
    listings = ListingRepository(database)
    return database_app(
        service=SERVICE,
        settings=settings,
        database=database,
        services=(
            OrderService(orders),
            TransferService(transfers),
            ListingService(listings),
            PersonalDataService(orders=orders, transfers=transfers, listings=listings),
        ),
        # Routes are matched in order, so the hot ones come first.
        routers=[
            *(
                router
                for routes in (order_routes, transfer_routes, listing_routes)
                for router in (routes.internal, routes.public)
            ),
            personal_data_routes.internal,
        ],
        user_tokens=user_tokens,
    )
