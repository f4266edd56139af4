"""Lookups that a scan, or its undo, cannot do without."""

import uuid
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from common.errors import InvalidRequest, NotFound, ServiceError, Unavailable, Unprocessable
from orchestrator.clients import Clients
from orchestrator.features.check_in.schemas import NamedPlace
from orchestrator.features.check_in.service.rules import Place

__all__ = ["place_of", "unavailable_on_failure", "unless_not_found"]

Resource = TypeVar("Resource")


async def place_of(clients: Clients, staff_user_id: uuid.UUID, named: NamedPlace) -> Place:
    """Return the named place; without a hall, the one that is assigned to the staff member.

    Raises:
        InvalidRequest: no hall is named, and none is assigned.
        Unavailable: the users service does not respond.
    """
    if named.hall_id is not None:
        return Place(hall_id=named.hall_id, venue_id=named.venue_id, event_id=named.event_id)
    with unavailable_on_failure():
        staff = await clients.users.find(staff_user_id)
    if staff.assigned_hall_id is None:
        raise InvalidRequest("No hall is assigned to you.", details={"fields": {"hall_id": "missing"}})
    return Place(
        hall_id=staff.assigned_hall_id,
        venue_id=named.venue_id or staff.assigned_venue_id,
        event_id=named.event_id,
    )


async def unless_not_found(lookup: Awaitable[Resource], code: str) -> Resource | None:
    try:
        return await lookup
    except NotFound as error:
        if error.code != code:  # an unknown path is a failure
            raise
        return None


@contextmanager
def unavailable_on_failure() -> Iterator[None]:
    """Turn every failure into a 503: the scan is not admitted, and the scanner may repeat it."""
    try:
        yield
    except Unprocessable:
        raise
    except (ServiceError, TimeoutError) as error:
        raise Unavailable(reason=str(error)) from error
