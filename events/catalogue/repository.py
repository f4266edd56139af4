"""The catalogue in PostgreSQL."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, func, literal_column, select, text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from events.catalogue.errors import EventInvalidState, EventNotFound, VenueNotFound
from events.catalogue.models import events
from events.catalogue.schemas import DiscardDraft, DiscardedDraft, DraftEvent, Event, EventSearch
from events.catalogue.statements import CANCEL, DISCARD, DRAFT, PUBLISH, event_json
from events.catalogue.status import EventStatus
from events.venues.models import venues

__all__ = ["EventRepository", "draft_parameters"]

# The first look may meet another undo in flight; it waits for it, and the second sees what came of it.
LOOKS: Final = 2

_STATUS_OF: Final = text("SELECT status FROM events WHERE event_id = :event_id")
_SELECT_EVENTS: Final[Select[Any]] = select(literal_column(event_json("events")).label("found")).select_from(
    events.join(venues)
)


class EventRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)

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

        return Event(**await self._memory.answer(request, DRAFT, draft_parameters(draft), refuse=refuse))

    async def publish(self, event_id: uuid.UUID, *, request_id: uuid.UUID) -> Event:
        """Move a DRAFT to PUBLISHED.

        Raises:
            EventNotFound: no such event.
            EventInvalidState: it is no draft.
        """
        return await self._moved(event_id, "publish", PUBLISH, request_id=request_id)

    async def cancel(self, event_id: uuid.UUID, *, request_id: uuid.UUID) -> Event:
        """Move a PUBLISHED event to CANCELLED.

        Raises:
            EventNotFound: no such event.
            EventInvalidState: it is not on sale, or cancelled already.
        """
        return await self._moved(event_id, "cancel", CANCEL, request_id=request_id)

    async def discard(self, event_id: uuid.UUID, discarding: DiscardDraft) -> DiscardedDraft:
        """Undo a draft, also one that never came.

        Raises:
            EventInvalidState: the event is no draft any more.
        """
        undone = discarding.undoes_request_id
        request = ParticipantRequest.of(discarding.request_id, "discard", event_id=event_id, undoes=undone)
        for _ in range(LOOKS):
            attempt = await self._memory.attempt(request, DISCARD, {"event_id": event_id}, undoes_request_id=undone)
            if attempt.done is not None:
                return DiscardedDraft(**attempt.done)
        refusal = EventInvalidState(details={"status": await self._status_of(event_id)})
        return DiscardedDraft(**await self._memory.remember_refusal(request, refusal))

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

    async def _moved(
        self, event_id: uuid.UUID, operation: str, statement: TextClause, *, request_id: uuid.UUID
    ) -> Event:
        request = ParticipantRequest.of(request_id, operation, event_id=event_id)

        async def refuse() -> ServiceError:
            status = await self._status_of(event_id)
            return EventNotFound() if status is None else EventInvalidState(details={"status": status})

        return Event(**await self._memory.answer(request, statement, {"event_id": event_id}, refuse=refuse))

    async def _status_of(self, event_id: uuid.UUID) -> str | None:
        found = await self._database.fetch_one(_STATUS_OF, {"event_id": event_id})
        return found["status"] if found else None


def draft_parameters(draft: DraftEvent) -> Mapping[str, Any]:
    columns = draft.model_dump(exclude={"request_id", "venue", "venue_id", "pricing_tiers"})
    introduced = draft.venue
    return {
        **columns,
        "pricing_tiers": {category: f"{price:.2f}" for category, price in draft.pricing_tiers.items()},
        "venue_id": introduced.venue_id if introduced else draft.venue_id,
        "venue_name": introduced.name if introduced else None,
        "venue_address": introduced.address if introduced else None,
        "venue_total_halls": introduced.total_halls if introduced else None,
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
