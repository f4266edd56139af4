"""The catalogue in PostgreSQL."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select, text

from common.db.engine import Database, Row
from common.db.idempotency import IdempotencyStore, ParticipantRequest
from common.db.pages import find_page, has_value
from common.errors import Busy, ServiceError
from common.http.calls import UndoCall
from common.pages import Total
from common.rows import readable
from events.catalogue.errors import (
    EventConflict,
    EventInvalidState,
    EventNotFound,
    EventTimesInvalid,
    HallNotFound,
    VenueNotFound,
)
from events.catalogue.models import events
from events.catalogue.schemas import (
    DiscardedDraft,
    DraftEvent,
    EditedEvent,
    EditEvent,
    Event,
    EventDetail,
    EventSearch,
)
from events.catalogue.statements import (
    ARTICLES_JSON,
    DISCARD,
    DRAFT,
    EDIT,
    FIND_OBSTACLES,
    FIND_OBSTACLES_TO_EDIT,
    MOVES,
    event_json,
)
from events.catalogue.status import EventMove, EventStatus
from events.venues.models import venues

# Fields that drafts of an earlier release do not have; a repeated request must keep its fingerprint.
_NOT_IN_FINGERPRINT: Final[Any] = {
    **dict.fromkeys(
        ("request_id", "ends_at", "doors_open_at", "description", "sale_starts_at", "organiser_user_id"), True
    ),
    "venue": {"halls": True, "time_zone": True},
}
_STATUS_OF: Final = text("SELECT status FROM events WHERE event_id = :event_id")
_SELECT_EVENTS: Final[Select[Any]] = select(literal_column(event_json("events")).label("found")).select_from(
    events.join(venues)
)
_SELECT_DETAIL: Final[Select[Any]] = _SELECT_EVENTS.add_columns(literal_column(ARTICLES_JSON).label("articles"))


class EventRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = IdempotencyStore(database)

    async def draft(self, draft: DraftEvent) -> Event:
        """Store an event as a DRAFT, with its venue if that is new.

        Raises:
            VenueNotFound: there is no venue of that id.
            HallNotFound: the venue has no hall of that name.
            EventConflict: another event has the hall at that time.
            EventInvalidState: another request drafted that event.
            RequestUndone: the undo of this request came first.
            Busy: what was in the way has gone; nothing is stored.
        """
        request = ParticipantRequest.of(draft.request_id, "draft", **draft.model_dump(exclude=_NOT_IN_FINGERPRINT))

        parameters = draft_parameters(draft)

        async def refuse() -> ServiceError:
            obstacles = await self._database.fetch_one(FIND_OBSTACLES, parameters)
            return _refusal_to_draft(obstacles or {}, is_venue_new=draft.venue is not None)

        return Event(**await self._store.answer(request, DRAFT, parameters, refuse=refuse))

    async def move(self, event_id: uuid.UUID, move: EventMove, *, request_id: uuid.UUID) -> Event:
        """Publish a DRAFT, or cancel a PUBLISHED event.

        Raises:
            EventNotFound: no such event.
            EventInvalidState: its status does not allow the move.
        """
        request = ParticipantRequest.of(request_id, move, event_id=event_id)

        async def refuse() -> ServiceError:
            status = await self._status_of(event_id)
            return EventNotFound() if status is None else EventInvalidState(details={"status": status})

        return Event(**await self._store.answer(request, MOVES[move], {"event_id": event_id}, refuse=refuse))

    async def edit(self, event_id: uuid.UUID, edit: EditEvent) -> EditedEvent:
        """Change a PUBLISHED event.

        Raises:
            EventNotFound: no such event.
            EventInvalidState: it is a draft or cancelled, or has another version than `edit` expects.
            EventTimesInvalid: its times would not be in order, or its date would move into the past.
            EventConflict: another event has the hall at that time.
            Busy: what was in the way has gone; nothing is stored.
        """
        parameters = {
            "event_id": event_id,
            "changes": edit.changes,
            "refundable_until": edit.refundable_until,
            "version": edit.version,
        }
        request = ParticipantRequest.of(edit.request_id, "edit", **parameters)

        async def refuse() -> ServiceError:
            return _refusal_to_edit(await self._database.fetch_one(FIND_OBSTACLES_TO_EDIT, parameters))

        return EditedEvent(**await self._store.answer(request, EDIT, parameters, refuse=refuse))

    async def discard(self, event_id: uuid.UUID, undo: UndoCall) -> DiscardedDraft:
        """Undo a draft, even if it never arrived.

        Raises:
            EventInvalidState: the event is no longer a draft.
        """
        undone = undo.undoes_request_id
        request = ParticipantRequest.of(undo.request_id, "discard", event_id=event_id, undoes=undone)
        done = await self._store.attempt_undo(request, DISCARD, {"event_id": event_id}, undoes_request_id=undone)
        if done is None:
            refusal = EventInvalidState(details={"status": await self._status_of(event_id)})
            done = await self._store.store_refusal(request, refusal)
        return DiscardedDraft(**done)

    async def find(self, event_id: uuid.UUID) -> EventDetail | None:
        row = await self._database.fetch_one(_SELECT_DETAIL.where(events.c.event_id == event_id))
        return EventDetail(**row["found"], articles=row["articles"]) if row else None

    async def find_many(self, event_ids: Sequence[uuid.UUID]) -> list[Event]:
        """Return the events that exist, in no particular order."""
        rows = await self._database.fetch_all(_SELECT_EVENTS.where(events.c.event_id.in_(event_ids)))
        return readable(rows, _event, of="events", key="event_id")

    async def page(self, search: EventSearch, *, limit: int, offset: int) -> tuple[list[Event], Total]:
        """Return one page of events by date, and the number on all pages."""
        found = _SELECT_EVENTS.where(*_conditions(search))
        sorting = events.c.event_date, events.c.event_id
        rows, total = await find_page(
            self._database, found, *sorting, key=events.c.event_id, limit=limit, offset=offset
        )
        return readable(rows, _event, of="events", key="event_id"), total

    async def _status_of(self, event_id: uuid.UUID) -> str | None:
        row = await self._database.fetch_one(_STATUS_OF, {"event_id": event_id})
        return row["status"] if row else None


def _event(row: Row) -> Event:
    return Event(**row["found"])


def draft_parameters(draft: DraftEvent) -> Mapping[str, Any]:
    columns = draft.model_dump(exclude={"request_id", "venue", "venue_id", "pricing_tiers"})
    introduced = draft.venue
    return {
        **columns,
        "pricing_tiers": {category: f"{price:.2f}" for category, price in draft.pricing_tiers.items()},
        "venue_id": introduced.venue_id if introduced else draft.venue_id,
        "venue_name": introduced.name if introduced else None,
        "venue_address": introduced.address if introduced else None,
        "venue_time_zone": introduced.time_zone if introduced else None,
        "venue_total_halls": introduced.total_halls if introduced else None,
        "venue_halls": list(dict.fromkeys([*introduced.halls, draft.hall_id])) if introduced else None,
        "halls_of_events": [draft.hall_id] if introduced and draft.hall_id not in introduced.halls else [],
    }


def _refusal_to_draft(obstacles: Mapping[str, Any], *, is_venue_new: bool) -> ServiceError:
    """Return why an event could not be drafted.

    Raises:
        Busy: nothing is in the way any more.
    """
    if obstacles["status"] is not None:
        return EventInvalidState(details={"status": obstacles["status"]})
    if obstacles["halls"] is None:
        if is_venue_new:
            raise Busy
        return VenueNotFound()
    if obstacles["overlapping"] is not None:
        return EventConflict(details=obstacles["overlapping"])
    if obstacles["has_hall"]:
        raise Busy
    return HallNotFound(details={"halls": obstacles["halls"]})


def _refusal_to_edit(obstacles: Mapping[str, Any] | None) -> ServiceError:
    """Return why an event could not be edited.

    Raises:
        Busy: nothing is in the way any more.
    """
    if obstacles is None:
        return EventNotFound()
    if obstacles["status"] != EventStatus.PUBLISHED:
        return EventInvalidState(details={"status": obstacles["status"]})
    if not obstacles["has_expected_version"]:
        return EventInvalidState("The event was changed meanwhile.", details={"version": obstacles["version"]})
    if not obstacles["is_valid"]:
        return EventTimesInvalid()
    if obstacles["overlapping"] is not None:
        return EventConflict(details=obstacles["overlapping"])
    raise Busy


def _conditions(search: EventSearch) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [or_(*(has_value(events.c.status, status) for status in search.statuses))]
    if not search.includes_past:
        conditions.append(events.c.ends_at > func.now())
    if search.organiser_user_id:
        conditions.append(events.c.organiser_user_id == search.organiser_user_id)
    if search.text:
        conditions.append(func.normalize(events.c.name).icontains(search.text, autoescape=True))
    if search.earliest:
        conditions.append(events.c.event_date >= search.earliest)
    if search.before:
        conditions.append(events.c.event_date < search.before)
    return conditions
