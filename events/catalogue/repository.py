"""The catalogue in PostgreSQL."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, literal_column, select, text
from sqlalchemy.exc import IntegrityError

from common.db.engine import Database, sqlstate_of
from common.db.requests import TOMBSTONE_FINGERPRINT, ParticipantRequest, RequestMemory, RequestUndone, refused
from common.errors import ServiceError
from events.catalogue.errors import EventInvalidState, EventNotFound, VenueNotFound
from events.catalogue.models import events
from events.catalogue.schemas import DiscardDraft, DiscardedDraft, DraftEvent, Event, EventSearch
from events.catalogue.statements import DISCARD, DRAFT, PUBLISH, event_json
from events.catalogue.status import EventStatus
from events.venues.models import venues

__all__ = ["EventRepository"]

FOREIGN_KEY_VIOLATION: Final = "23503"

_TOMBSTONE: Final = {"tombstone_fingerprint": TOMBSTONE_FINGERPRINT, "tombstone": refused(RequestUndone())}
_STATUS_OF: Final = text("SELECT status FROM events WHERE event_id = :event_id")
_SELECT_EVENTS: Final[Select[Any]] = select(literal_column(event_json("events")).label("found")).select_from(
    events.join(venues)
)


class _LookAgain(Exception):
    """The undo met something in flight; now it is decided."""


class EventRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = RequestMemory(database)

    async def draft(self, draft: DraftEvent) -> Event:
        """Store an event as a DRAFT, and its venue when it is a new one.

        Raises:
            VenueNotFound: there is no venue of that id.
            EventInvalidState: another request drafted that event.
            RequestUndone: the undo of this request came first.
        """
        request = ParticipantRequest.of(draft.request_id, "draft", **draft.model_dump(exclude={"request_id"}))

        async def refuse() -> ServiceError:
            status = await self._status_of(draft.event_id)
            return VenueNotFound() if status is None else EventInvalidState(details={"status": status})

        return Event(**await self._memory.answer(request, DRAFT, _draft_parameters(draft), refuse=refuse))

    async def publish(self, event_id: uuid.UUID, *, request_id: uuid.UUID) -> Event:
        """Move a DRAFT to PUBLISHED.

        Raises:
            EventNotFound: no such event.
            EventInvalidState: it is no draft.
        """
        request = ParticipantRequest.of(request_id, "publish", event_id=event_id)

        async def refuse() -> ServiceError:
            status = await self._status_of(event_id)
            return EventNotFound() if status is None else EventInvalidState(details={"status": status})

        return Event(**await self._memory.answer(request, PUBLISH, {"event_id": event_id}, refuse=refuse))

    async def discard(self, event_id: uuid.UUID, discarding: DiscardDraft) -> DiscardedDraft:
        """Undo a draft, also one that never came.

        Raises:
            EventInvalidState: the event is no draft any more.
        """
        try:
            return await self._discard(event_id, discarding, is_last_look=False)
        except _LookAgain:
            return await self._discard(event_id, discarding, is_last_look=True)

    async def _discard(self, event_id: uuid.UUID, discarding: DiscardDraft, *, is_last_look: bool) -> DiscardedDraft:
        undone = discarding.undoes_request_id
        request = ParticipantRequest.of(discarding.request_id, "discard", event_id=event_id, undoes=undone)
        parameters = {**_TOMBSTONE, "event_id": event_id, "undoes_request_id": undone}

        async def refuse() -> ServiceError:
            if not is_last_look:
                raise _LookAgain
            return EventInvalidState(details={"status": await self._status_of(event_id)})

        try:
            return DiscardedDraft(**await self._memory.answer(request, DISCARD, parameters, refuse=refuse))
        except IntegrityError as error:
            # Another event moved into the draft's venue as we looked: the venue stays.
            if sqlstate_of(error) == FOREIGN_KEY_VIOLATION and not is_last_look:
                raise _LookAgain from error
            raise

    async def find(self, event_id: uuid.UUID) -> Event | None:
        found = await self._database.fetch_one(_SELECT_EVENTS.where(events.c.event_id == event_id))
        return Event(**found["found"]) if found else None

    async def find_many(self, event_ids: Sequence[uuid.UUID]) -> list[Event]:
        """Return those that exist, in no particular order."""
        rows = await self._database.fetch_all(_SELECT_EVENTS.where(events.c.event_id.in_(event_ids)))
        return [Event(**row["found"]) for row in rows]

    async def published_page(self, search: EventSearch, *, limit: int, offset: int) -> tuple[list[Event], int]:
        """Return one page of the published events by date, and how many match in all."""
        conditions = _conditions(search)
        counted = await self._database.fetch_one(
            select(func.count().label("total")).select_from(events).where(*conditions)
        )
        rows = await self._database.fetch_all(
            _SELECT_EVENTS.where(*conditions)
            .order_by(events.c.event_date, events.c.event_id)
            .limit(limit)
            .offset(offset)
        )
        return [Event(**row["found"]) for row in rows], counted["total"] if counted else 0

    async def _status_of(self, event_id: uuid.UUID) -> str | None:
        found = await self._database.fetch_one(_STATUS_OF, {"event_id": event_id})
        return found["status"] if found else None


def _draft_parameters(draft: DraftEvent) -> Mapping[str, Any]:
    columns = draft.model_dump(
        include={"event_id", "name", "venue_id", "hall_id", "event_date", "total_seats", "layout"}
    )
    return {
        **columns,
        "pricing_tiers": {category: f"{price:.2f}" for category, price in draft.pricing_tiers.items()},
        "venue_name": draft.venue.name if draft.venue else None,
        "venue_address": draft.venue.address if draft.venue else None,
        "venue_total_halls": draft.venue.total_halls if draft.venue else None,
    }


def _conditions(search: EventSearch) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [events.c.status == EventStatus.PUBLISHED]
    if search.text:
        conditions.append(events.c.name.icontains(search.text, autoescape=True))
    if search.earliest:
        conditions.append(events.c.event_date >= search.earliest)
    if search.latest:
        conditions.append(events.c.event_date <= search.latest)
    return conditions
