"""The events service: changes by sagas, and facts of events, cached for seconds."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict, Field

from common.auth.principal import Principal, Role
from common.fields import StoredInstant, shifted
from common.http.client import ServiceClient
from common.money import CENT, Money
from common.pages import Total
from common.rows import readable
from common.text import is_same_text
from common.time_zones import DEFAULT_TIME_ZONE, local_text
from orchestrator.clients.calls import post
from orchestrator.clients.models import EventDraft
from orchestrator.errors import EventEnded, EventNotFound, PriceAboveCap, SaleNotStarted
from orchestrator.saga_engine.plan import Call

__all__ = ["FACTS_TTL_SECONDS", "ArticleLink", "EditedEventFacts", "EventFacts", "EventsClient", "VenueFacts"]

# An event's name and venue rarely change; a cancellation must be seen within seconds.
FACTS_TTL_SECONDS: Final = 5.0
CACHED_EVENTS: Final = 10_000


class VenueFacts(BaseModel):
    model_config = ConfigDict(extra="ignore")

    venue_id: uuid.UUID
    name: str
    address: str
    time_zone: str = DEFAULT_TIME_ZONE  # the events service of the previous release sends none


class ArticleLink(BaseModel):
    """An article about the event, at `/api/articles/{slug}`."""

    model_config = ConfigDict(extra="ignore")

    slug: str
    title: str


class EventFacts(BaseModel):
    """An event in the events service."""

    model_config = ConfigDict(extra="ignore")

    event_id: uuid.UUID
    name: str
    status: str
    venue: VenueFacts
    hall_id: str
    event_date: StoredInstant
    # The defaults are for an events service of an earlier release, which does not send these fields.
    ends_at: StoredInstant = Field(default_factory=lambda facts: shifted(facts["event_date"], timedelta(hours=4)))
    doors_open_at: StoredInstant = Field(
        default_factory=lambda facts: shifted(facts["event_date"], timedelta(hours=-2))
    )
    has_doors_time: bool = False  # if not, doors_open_at is an assumption
    total_seats: int
    pricing_tiers: dict[str, Money]
    resale_cap_percent: int = 120
    refund_deadline_hours: int = 24
    description: str = ""
    sale_starts_at: StoredInstant | None = None
    refundable_until: StoredInstant | None = None
    organiser_user_id: uuid.UUID | None = None
    version: int = 1
    articles: tuple[ArticleLink, ...] = ()  # of a single event, not of those of a list

    @property
    def venue_id(self) -> uuid.UUID:
        return self.venue.venue_id

    @property
    def is_published(self) -> bool:
        return self.status == "PUBLISHED"

    @property
    def is_cancelled(self) -> bool:
        return self.status == "CANCELLED"

    def category_of(self, name: str) -> str:
        """Return the category as inventory has it, which a release that did not normalise names may have stored."""
        if name in self.pricing_tiers:
            return name
        return next((category for category in self.pricing_tiers if is_same_text(category, name)), name)

    def local_text(self, moment: datetime, form: str) -> str:
        """Return a time at the event's venue, as `common.time_zones` writes it."""
        return local_text(moment, form, self.venue.time_zone)

    @property
    def has_begun(self) -> bool:
        return self.event_date <= datetime.now(UTC)

    @property
    def is_refundable_for_new_date(self) -> bool:
        """Whether fans may refund because the date has moved, whatever the deadline."""
        return self.is_published and self.refundable_until is not None and datetime.now(UTC) < self.refundable_until

    def is_organised_by(self, user: Principal) -> bool:
        return user.has_role(Role.ORGANISER) and self.organiser_user_id == user.user_id

    def check_sale_has_started(self) -> None:
        """Refuse a reservation before the start of the sale.

        Raises:
            SaleNotStarted: with its start in `details`.
        """
        if self.sale_starts_at is not None and datetime.now(UTC) < self.sale_starts_at:
            raise SaleNotStarted(details={"sale_starts_at": self.sale_starts_at.isoformat()})

    def check_resale_price(self, price: Decimal, *, face_value: Decimal) -> None:
        """Refuse a price of a listing or a transfer above the event's cap (T8, T10).

        Raises:
            PriceAboveCap: with the highest price in `details`.
        """
        highest = (face_value * self.resale_cap_percent / 100).quantize(CENT, rounding=ROUND_DOWN)
        if price > highest:
            raise PriceAboveCap(details={"highest_price": f"{highest:.2f}"})


class PreviousFacts(BaseModel):
    """What an edit can change of an event, as it was before."""

    model_config = ConfigDict(extra="ignore")

    name: str
    description: str
    event_date: StoredInstant
    ends_at: StoredInstant
    doors_open_at: StoredInstant
    sale_starts_at: StoredInstant | None
    refund_deadline_hours: int
    refundable_until: StoredInstant | None
    organiser_user_id: uuid.UUID | None
    version: int


class EditedEventFacts(EventFacts):
    previous_event_date: StoredInstant
    previous: PreviousFacts

    @property
    def has_moved(self) -> bool:
        return self.event_date != self.previous_event_date

    @property
    def changed_values(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The changed fields as JSON, as they were before the edit and as they are after it."""
        before = self.previous.model_dump(mode="json")
        after = self.model_dump(mode="json", include=set(before))
        changed = [name for name in before if before[name] != after[name]]
        return {name: before[name] for name in changed}, {name: after[name] for name in changed}


class EventsClient:
    def __init__(self, events: ServiceClient) -> None:
        self._events = events
        self._facts: TTLCache[uuid.UUID, asyncio.Future[EventFacts]] = TTLCache(CACHED_EVENTS, FACTS_TTL_SECONDS)

    async def facts(self, event_id: uuid.UUID) -> EventFacts:
        """Return an event, at most a few seconds old. Concurrent callers share one remote call.

        Raises:
            NotFound: EVENT_NOT_FOUND.
            Unavailable: the events service does not respond.
        """
        pending = self._facts.get(event_id)
        if pending is None:
            pending = asyncio.ensure_future(self._fetch(event_id))
            self._facts[event_id] = pending
            pending.add_done_callback(lambda done: self._evict_failure(event_id, done))
        return await asyncio.shield(pending)

    async def present_facts(self, event_id: uuid.UUID) -> EventFacts:
        """Return an event as it is now.

        Raises:
            NotFound: EVENT_NOT_FOUND.
            Unavailable: the events service does not respond.
        """
        return await self._fetch(event_id)

    async def require_on_sale(self, event_id: uuid.UUID) -> EventFacts:
        """Return an event whose tickets fans can still buy, transfer and resell.

        Raises:
            EventNotFound: the event does not exist or is a draft.
            EventEnded: the event has begun, or is cancelled.
        """
        event = await self.facts(event_id)
        if event.status == "DRAFT":
            raise EventNotFound
        if not event.is_published or event.has_begun:
            raise EventEnded
        return event

    async def facts_of(self, event_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, EventFacts]:
        """Return several events of any status in one call; unknown ids are omitted."""
        if not event_ids:
            return {}
        answer = await self._events.post("/internal/events/lookup", {"event_ids": list(event_ids)})
        events = readable(answer, EventFacts.model_validate, of="events", key="event_id")
        return {event.event_id: event for event in events}

    async def page(self, query: dict[str, Any]) -> tuple[list[EventFacts], Total]:
        """Return one page of events, published ones unless `query` names another status, and their number."""
        answer = await self._events.get("/internal/events", query)
        events = readable(answer["data"], EventFacts.model_validate, of="events", key="event_id")
        pagination = answer["pagination"]
        # An older release counts every event.
        return events, Total(pagination["total"], is_exact=pagination.get("total_is_exact", True))

    async def draft(self, call: Call, *, event_id: uuid.UUID, draft: EventDraft) -> None:
        details = draft.model_dump(mode="json", exclude_none=True)
        prices = {category.category: f"{category.price:.2f}" for category in draft.layout}
        facts = details | {"event_id": event_id, "total_seats": draft.capacity, "pricing_tiers": prices}
        await post(self._events, "/internal/events", call, **facts)

    async def discard(self, call: Call, *, event_id: uuid.UUID) -> None:
        await post(self._events, f"/internal/events/{event_id}/discard", call)

    async def publish(self, call: Call, *, event_id: uuid.UUID) -> dict[str, Any]:
        """Make the event visible and return it."""
        published: dict[str, Any] = await post(self._events, f"/internal/events/{event_id}/publish", call)
        return published

    async def edit(
        self,
        call: Call,
        *,
        event_id: uuid.UUID,
        changes: Mapping[str, Any],
        refundable_until: datetime | None,
        version: int | None,
    ) -> EditedEventFacts:
        """Change a published event and return it.

        Refusals: EVENT_INVALID_STATE, it is not published or has another version; VALIDATION_ERROR, its times;
        EVENT_CONFLICT, another event has the hall.
        """
        facts = {"refundable_until": refundable_until, "version": version, **changes}
        edited = await post(self._events, f"/internal/events/{event_id}/edit", call, **facts)
        self._facts.pop(event_id, None)
        return EditedEventFacts.model_validate(edited)

    async def cancel(self, call: Call, *, event_id: uuid.UUID) -> None:
        """Cancel an event. If it is not published: EVENT_INVALID_STATE."""
        await post(self._events, f"/internal/events/{event_id}/cancel", call)
        self._facts.pop(event_id, None)

    async def _fetch(self, event_id: uuid.UUID) -> EventFacts:
        return EventFacts.model_validate(await self._events.get(f"/internal/events/{event_id}"))

    def _evict_failure(self, event_id: uuid.UUID, done: "asyncio.Future[EventFacts]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._facts.pop(event_id, None)
