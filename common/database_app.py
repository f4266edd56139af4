"""The app of a service that has a database, whose old rows it deletes, and nothing else that starts or stops with it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.db.idempotency import REQUESTS_RETENTION
from common.db.retention import RetentionTask
from common.health import Health
from common.http.app import base_app
from common.http.dependencies import provide
from common.settings import ServiceSettings


def database_app(
    *,
    service: str,
    settings: ServiceSettings,
    database: Database,
    services: Iterable[object],
    routers: Iterable[APIRouter],
    user_tokens: UserTokenVerifier | None,
) -> FastAPI:
    """Return the app.

    Args:
        services: what routes depend on, one for each class.
        routers: matched one after the other, first match wins.
        user_tokens: how users' tokens are verified; against `JWKS_URL` if None.
    """
    retention = RetentionTask(database, [REQUESTS_RETENTION])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        retention.start()
        yield
        await retention.close()
        await database.close()

    app = base_app(
        service=service,
        title=f"TicketRemaster {service}",
        settings=settings,
        lifespan=lifespan,
        health=Health(required={"database": database.is_healthy}),
        user_tokens=user_tokens,
    )
    provide(app, *services)
    for router in routers:
        app.include_router(router)
    return app
