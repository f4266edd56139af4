"""Whether an event is still to come: what is over, or called off, is neither sold nor handed on."""

import uuid
from datetime import UTC, datetime

from orchestrator.clients.events import EventFacts, EventsClient
from orchestrator.errors import EventEnded, EventNotFound

__all__ = ["require_upcoming"]


async def require_upcoming(events: EventsClient, event_id: uuid.UUID) -> EventFacts:
    """Return an event that fans may still deal in.

    Raises:
        EventNotFound: there is none, or nobody knows of it yet.
        EventEnded: it is over, or was cancelled.
    """
    event = await events.facts(event_id)
    if event.status == "DRAFT":
        raise EventNotFound
    if not event.is_published or event.event_date <= datetime.now(UTC):
        raise EventEnded
    return event
