"""What the catalogue does."""

import uuid

from events.catalogue.errors import EventNotFound
from events.catalogue.repository import EventRepository
from events.catalogue.schemas import (
    CancelEvent,
    DiscardDraft,
    DiscardedDraft,
    DraftEvent,
    Event,
    EventSearch,
    LookUpEvents,
    PublishEvent,
)

__all__ = ["CatalogueService"]


class CatalogueService:
    def __init__(self, repository: EventRepository) -> None:
        self._events = repository

    async def draft(self, draft: DraftEvent) -> Event:
        return await self._events.draft(draft)

    async def publish(self, event_id: uuid.UUID, publication: PublishEvent) -> Event:
        return await self._events.publish(event_id, request_id=publication.request_id)

    async def cancel(self, event_id: uuid.UUID, cancellation: CancelEvent) -> Event:
        return await self._events.cancel(event_id, request_id=cancellation.request_id)

    async def discard(self, event_id: uuid.UUID, discarding: DiscardDraft) -> DiscardedDraft:
        return await self._events.discard(event_id, discarding)

    async def find(self, event_id: uuid.UUID) -> Event:
        """Return an event of any status.

        Raises:
            EventNotFound: no such event.
        """
        event = await self._events.find(event_id)
        if event is None:
            raise EventNotFound
        return event

    async def look_up(self, wanted: LookUpEvents) -> list[Event]:
        """Return the events that exist, each once, in the order they were asked for."""
        found = {event.event_id: event for event in await self._events.find_many(wanted.event_ids)}
        return [found[event_id] for event_id in dict.fromkeys(wanted.event_ids) if event_id in found]

    async def search(self, search: EventSearch, *, limit: int, offset: int) -> tuple[list[Event], int]:
        """Return one page of the published events by date, and how many match in all."""
        return await self._events.published_page(search, limit=limit, offset=offset)
