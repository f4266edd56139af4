"""FastAPI dependencies: who may call this route.

``user: CurrentUser`` wants any user's token, ``Depends(require_role(Role.ADMIN))`` a user with that role,
``Depends(require_service)`` a service token. The app's state holds what checks them.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from common.auth.principal import Principal, Role
from common.auth.service_tokens import ServiceTokens
from common.auth.user_tokens import UserTokenVerifier
from common.errors import Forbidden, Unauthenticated

__all__ = ["CurrentUser", "bearer_token", "current_user", "require_role", "require_service"]


def bearer_token(request: Request) -> str:
    """Return the bearer token of the request.

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token


async def current_user(request: Request) -> Principal:
    verifier: UserTokenVerifier = request.app.state.user_tokens
    return await verifier.verify(bearer_token(request))


CurrentUser = Annotated[Principal, Depends(current_user)]


def require_role(role: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """Build a dependency that lets only holders of `role` pass."""

    async def check(user: CurrentUser) -> Principal:
        if not user.has_role(role):
            raise Forbidden
        return user

    return check


async def require_service(request: Request) -> str:
    """Return the calling service's name; users' tokens are refused."""
    tokens: ServiceTokens = request.app.state.service_tokens
    return tokens.verify(bearer_token(request))
