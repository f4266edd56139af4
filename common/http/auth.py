"""FastAPI dependencies that authenticate and authorise the caller of a route.

``user: CurrentUser`` requires a user's token, ``admin: AdminUser`` an admin's, and ``Depends(require_service)`` a service
token. A router or route takes ``dependencies=[ADMIN_ONLY]``. The verifiers are in the app's state.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request

from common.auth.principal import Principal, Role
from common.auth.service_tokens import ServiceTokens
from common.auth.user_tokens import UserTokenVerifier
from common.errors import Forbidden, Unauthenticated
from common.http.middleware import note_user


def bearer_of(authorization: str) -> str:
    """Return the bearer token of an `Authorization` header.

    Raises:
        Unauthenticated: the header has none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token


def bearer_token(request: Request) -> str:
    return bearer_of(request.headers.get("authorization", ""))


async def current_user(request: Request) -> Principal:
    verifier: UserTokenVerifier = request.app.state.user_tokens
    user = await verifier.verify(bearer_token(request))
    note_user(request.scope, user)
    return user


CurrentUser = Annotated[Principal, Depends(current_user)]


def require_role(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that admits only users with one of `roles`."""

    async def check(user: CurrentUser) -> Principal:
        if not any(user.has_role(role) for role in roles):
            raise Forbidden
        return user

    return check


ADMIN_ONLY: Final = Depends(require_role(Role.ADMIN))
AdminUser = Annotated[Principal, ADMIN_ONLY]


async def require_service(request: Request) -> str:
    """Return the calling service's name. Users' tokens are refused."""
    tokens: ServiceTokens = request.app.state.service_tokens
    return tokens.verify(bearer_token(request))
