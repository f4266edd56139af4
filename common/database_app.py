"""The app of a service that has a database, whose old rows it deletes, and sends messages if it has a relay of them."""

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
from common.messaging.broker import Broker
from common.messaging.outbox import OutboxRelay
from common.settings import ServiceSettings


def database_app(
    *,
    service: str,
    settings: ServiceSettings,
    database: Database,
    services: Iterable[object],
    routers: Iterable[APIRouter],
    user_tokens: UserTokenVerifier | None,
    broker: Broker | None = None,
    relay: OutboxRelay | None = None,
) -> FastAPI:
    """Return the app.

    Args:
        services: what routes depend on, one for each class.
        routers: matched one after the other, first match wins.
        user_tokens: how users' tokens are verified; against `JWKS_URL` if None.
        broker: the connection of `relay`. Without it messages wait in the outbox; everything else works.
    """
    tasks = [task for task in (broker, relay, RetentionTask(database, [REQUESTS_RETENTION])) if task is not None]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for task in tasks:
            task.start()
        yield
        for task in reversed(tasks):
            await task.close()
        await database.close()

    app = base_app(
        service=service,
        title=f"TicketRemaster {service}",
        settings=settings,
        lifespan=lifespan,
        health=Health(
            required={"database": database.is_healthy}, optional={} if broker is None else {"broker": broker.is_healthy}
        ),
        user_tokens=user_tokens,
    )
    provide(app, *services)
    for router in routers:
        app.include_router(router)
    return app
