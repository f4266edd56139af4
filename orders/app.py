"""The orders service, constructed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.health import Health
from common.http.app import base_app
from orders.listings import routes as listing_routes
from orders.listings.repository import ListingRepository
from orders.listings.service import ListingService
from orders.settings import Settings
from orders.ticket_orders import routes as order_routes
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.service import OrderService
from orders.transfers import routes as transfer_routes
from orders.transfers.repository import TransferRepository
from orders.transfers.service import TransferService

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "orders"


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
        title="TicketRemaster orders",
        settings=settings,
        lifespan=lifespan,
        health=Health(required={"database": database.is_healthy}),
        user_tokens=user_tokens,
    )
    app.state.orders = OrderService(OrderRepository(database))
    app.state.transfers = TransferService(TransferRepository(database))
    app.state.listings = ListingService(ListingRepository(database))
    app.include_router(order_routes.internal)  # first: routes are tried in order, and these are the hot ones
    app.include_router(order_routes.public)
    for routes in (transfer_routes, listing_routes):
        app.include_router(routes.internal)
        app.include_router(routes.public)
    return app
