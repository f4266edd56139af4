"""Dependencies of routes: the container's services, and the caller as an admin."""

from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from common.auth.principal import Principal, Role
from common.http.auth import require_role

__all__ = ["AdminUser", "provided"]

Service = TypeVar("Service")

AdminUser = Annotated[Principal, Depends(require_role(Role.ADMIN))]


def provided(kind: type[Service]) -> Any:
    """Return a route's dependency on the service of a class, for use in `Annotated`."""

    # Async, although it awaits nothing: FastAPI runs plain functions in a thread.
    async def find(request: Request) -> Service:
        service: Service = request.app.state.services[kind]
        return service

    return Depends(find)
