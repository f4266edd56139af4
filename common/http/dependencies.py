"""Route dependencies on the services that the process has constructed."""

from typing import Any, TypeVar

from fastapi import Depends, FastAPI, Request

__all__ = ["provide", "provided"]

Service = TypeVar("Service")


def provide(app: FastAPI, *services: object) -> None:
    """Make each service available to routes, by its class."""
    app.state.services = {type(service): service for service in services}


def provided(kind: type[Service]) -> Any:
    """Return a route's dependency on the one service of a class, for use in `Annotated`."""

    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    async def find(request: Request) -> Service:
        service: Service = request.app.state.services[kind]
        return service

    return Depends(find)
