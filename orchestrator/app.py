"""The orchestrator's HTTP process, constructed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.http.app import base_app
from orchestrator.clients import SERVICE
from orchestrator.container import FEATURES, build_container
from orchestrator.jobs import routes as job_routes
from orchestrator.saga_engine import routes as saga_routes
from orchestrator.saga_engine.observer import Observer
from orchestrator.settings import Settings


def create_app(
    settings: Settings, *, observer: Observer | None = None, user_tokens: UserTokenVerifier | None = None
) -> FastAPI:
    """Return the app.

    Args:
        observer: observes every saga step, besides logs and metrics.
        user_tokens: verifies users' tokens; by `JWKS_URL` if omitted.
    """
    container = build_container(settings, observer=observer)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        container.start()
        yield
        await container.close()

    app = base_app(
        service=SERVICE,
        title="TicketRemaster orchestrator",
        settings=settings,
        lifespan=lifespan,
        health=container.health,
        user_tokens=user_tokens,
    )
    app.state.services = container.resources.services
    for router in (
        *(router for feature in FEATURES for router in feature.routers),
        saga_routes.router,
        job_routes.router,
    ):
        app.include_router(router, prefix="/api")
    for router in (router for feature in FEATURES for router in feature.internal_routers):
        app.include_router(router)
    return app
