"""What the events service does with the catalogue."""

import uuid

from common.http.calls import RepeatableCall, UndoCall
from common.pages import Total
from events.catalogue.errors import EventNotFound
from events.catalogue.repository import EventRepository
from events.catalogue.schemas import (
    DiscardedDraft,
    DraftEvent,
    EditedEvent,
    EditEvent,
    Event,
    EventDetail,
    EventSearch,
    LookUpEvents,
)
from events.catalogue.status import EventMove


class CatalogueService:
    def __init__(self, repository: EventRepository) -> None:
        self._events = repository

    async def draft(self, draft: DraftEvent) -> Event:
        return await self._events.draft(draft)

    async def move(self, event_id: uuid.UUID, move: EventMove, call: RepeatableCall) -> Event:
        return await self._events.move(event_id, move, request_id=call.request_id)

    async def edit(self, event_id: uuid.UUID, edit: EditEvent) -> EditedEvent:
        return await self._events.edit(event_id, edit)

    async def discard(self, event_id: uuid.UUID, undo: UndoCall) -> DiscardedDraft:
        return await self._events.discard(event_id, undo)

    async def find(self, event_id: uuid.UUID) -> EventDetail:
        """Return an event of any status.

        Raises:
            EventNotFound: no such event.
        """
        event = await self._events.find(event_id)
        if event is None:
            raise EventNotFound
        return event

    async def look_up(self, wanted: LookUpEvents) -> list[Event]:
        """Return the events that exist, each once, in the order of the request."""
        events = {event.event_id: event for event in await self._events.find_many(wanted.event_ids)}
        return [events[event_id] for event_id in dict.fromkeys(wanted.event_ids) if event_id in events]

    async def search(self, search: EventSearch, *, limit: int, offset: int) -> tuple[list[Event], Total]:
        """Return one page of events by date, and the number on all pages."""
        return await self._events.page(search, limit=limit, offset=offset)
