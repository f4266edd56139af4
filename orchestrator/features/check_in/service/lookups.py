"""Required lookups of a scan and its undo."""

import asyncio
import uuid
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

from common.errors import Forbidden, InvalidRequest, NotFound, ServiceError, Unavailable, Unprocessable
from common.text import is_same_text
from orchestrator.clients import Clients
from orchestrator.features.check_in.schemas import NamedPlace
from orchestrator.features.check_in.service.rules import Place

__all__ = ["assigned_venue", "place_of", "place_to_undo", "unavailable_on_failure", "unless_not_found"]

VENUE_TIMEOUT_SECONDS: Final = 0.5

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


async def assigned_venue(clients: Clients, staff_user_id: uuid.UUID) -> uuid.UUID | None:
    """Return the venue that is assigned to the staff member.

    None also if it is not known in time: a failure of the users service refuses no scan.
    """
    try:
        async with asyncio.timeout(VENUE_TIMEOUT_SECONDS):
            return (await clients.users.find(staff_user_id)).assigned_venue_id
    except (ServiceError, TimeoutError):
        return None


async def place_to_undo(clients: Clients, staff_user_id: uuid.UUID, named: NamedPlace, *, is_admin: bool) -> Place:
    """Return the place as `place_of` does. Staff who have an assigned one cannot name another.

    Raises:
        InvalidRequest: no hall is named, and none is assigned.
        Forbidden: another place is assigned.
        Unavailable: the users service does not respond.
    """
    place = await place_of(clients, staff_user_id, named)
    if is_admin:
        return place
    with unavailable_on_failure():
        staff = await clients.users.find(staff_user_id)
    place = replace(place, venue_id=place.venue_id or staff.assigned_venue_id)
    is_own_hall = staff.assigned_hall_id is None or is_same_text(staff.assigned_hall_id, place.hall_id)
    if not is_own_hall or staff.assigned_venue_id not in {None, place.venue_id}:
        raise Forbidden("Another hall is assigned to you.")
    return place


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
