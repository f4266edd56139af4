"""Who may manage an event: admins, and its organiser."""

import uuid
from typing import Annotated

from fastapi import Depends

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.http.auth import require_role
from common.http.dependencies import provided
from orchestrator.clients.events import EventsClient

__all__ = ["EventManager", "OrganiserOrAdmin"]

OrganiserOrAdmin = Annotated[Principal, Depends(require_role(Role.ADMIN, Role.ORGANISER))]


async def require_manager(
    event_id: uuid.UUID, user: OrganiserOrAdmin, events: Annotated[EventsClient, provided(EventsClient)]
) -> Principal:
    """Admit admins, and the organiser of the event in the path. Its present organiser counts, not a cached one.

    Raises:
        NotFound: EVENT_NOT_FOUND.
        Forbidden: another organiser's event.
    """
    if not user.has_role(Role.ADMIN) and not (await events.present_facts(event_id)).is_organised_by(user):
        raise Forbidden
    return user


EventManager = Annotated[Principal, Depends(require_manager)]
