"""Whose profile and menus a request manages: the caller's own, or those of the performer in an admin's path.

The routes are written once. The app includes them twice, each time with one of the dependencies below.
"""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Request

from common.auth.principal import Role
from common.errors import Forbidden
from common.http.auth import AdminUser, CurrentUser
from common.http.client_address import ClientAddress
from events.performers.schemas import Actor

OWN_PREFIX: Final = "/api/performer"
ADMIN_PREFIX: Final = "/api/admin/performers/{performer_id}"


async def _as_performer(request: Request, user: CurrentUser) -> None:
    if not user.has_role(Role.PERFORMER):
        raise Forbidden
    request.state.actor = Actor(user.user_id, user.user_id)


async def _as_admin(request: Request, performer_id: uuid.UUID, user: AdminUser, address: ClientAddress) -> None:
    request.state.actor = Actor(performer_id, user.user_id, is_admin=True, address=address)


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


AS_PERFORMER: Final = Depends(_as_performer)
AS_ADMIN: Final = Depends(_as_admin)
RequestActor = Annotated[Actor, Depends(_actor)]
