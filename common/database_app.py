"""The app of a service that has a database, whose old rows it deletes, and perhaps connections to the broker."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.background import BackgroundTask
from common.db.engine import Database
from common.db.idempotency import REQUESTS_RETENTION
from common.db.retention import Retention, RetentionTask
from common.health import Health
from common.http.app import base_app
from common.http.dependencies import provide
from common.messaging.broker import Broker
from common.settings import ServiceSettings


def database_app(
    *,
    service: str,
    settings: ServiceSettings,
    database: Database,
    services: Iterable[object],
    routers: Iterable[APIRouter],
    user_tokens: UserTokenVerifier | None,
    brokers: Mapping[str, Broker] | None = None,
    tasks: Iterable[BackgroundTask] = (),
    retentions: Sequence[Retention] = (REQUESTS_RETENTION,),
) -> FastAPI:
    """Return the app.

    Args:
        services: what routes depend on, one for each class.
        routers: matched one after the other, first match wins.
        user_tokens: how users' tokens are verified; against `JWKS_URL` if None.
        brokers: connections by their names on `/health`. Without them messages wait; everything else works.
        tasks: run as long as the process serves, such as the relay of the outbox.
        retentions: which rows are deleted, and when.
    """
    brokers = brokers or {}
    running: list[Broker | BackgroundTask] = [*brokers.values(), *tasks, RetentionTask(database, retentions)]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for each in running:
            each.start()
        yield
        for each in reversed(running):
            await each.close()
        await database.close()

    app = base_app(
        service=service,
        title=f"TicketRemaster {service}",
        settings=settings,
        lifespan=lifespan,
        health=Health(
            required={"database": database.is_healthy},
            optional={name: broker.is_healthy for name, broker in brokers.items()},
        ),
        user_tokens=user_tokens,
    )
    provide(app, *services)
    for router in routers:
        app.include_router(router)
    return app
