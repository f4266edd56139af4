"""`python -m orchestrator.worker`: keeps sagas and messages going when the HTTP process is down or busy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.http.app import base_app, serve
from orchestrator.engine.observer import Observer
from orchestrator.settings import Settings, WorkerSettings
from orchestrator.wiring import SERVICE, wire

__all__ = ["create_worker"]


def create_worker(settings: Settings, *, observer: Observer | None = None) -> FastAPI:
    """Return an app with health and metrics only; the work is in the background."""
    machinery = wire(settings, observer=observer)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        machinery.start()
        yield
        await machinery.close()

    return base_app(
        service=SERVICE,
        title="TicketRemaster worker",
        settings=settings,
        lifespan=lifespan,
        health=machinery.health,
    )


def main() -> None:
    settings = WorkerSettings()
    serve(create_worker(settings), service="worker", settings=settings)


if __name__ == "__main__":
    main()
