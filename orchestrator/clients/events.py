"""The events service: its register for the sagas, and facts for reading, cached for seconds."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.models import EventDraft
from orchestrator.errors import EventEnded, EventNotFound
from orchestrator.saga_engine.plan import Call

__all__ = ["EventFacts", "EventsClient", "VenueFacts"]

# What an event is called and where it takes place changes about never; a cancellation is seen within seconds.
FACTS_TTL_SECONDS: Final = 5.0
CACHED_EVENTS: Final = 10_000


class VenueFacts(BaseModel):
    model_config = ConfigDict(extra="ignore")

    venue_id: uuid.UUID
    name: str
    address: str


class EventFacts(BaseModel):
    """What the events service knows of an event."""

    model_config = ConfigDict(extra="ignore")

    event_id: uuid.UUID
    name: str
    status: str
    venue: VenueFacts
    hall_id: str
    event_date: datetime
    total_seats: int
    pricing_tiers: dict[str, Money]
    resale_cap_percent: int = 120
    refund_deadline_hours: int = 24

    @property
    def is_published(self) -> bool:
        return self.status == "PUBLISHED"


class EventsClient:
    def __init__(self, events: ServiceClient) -> None:
        self._events = events
        self._facts: TTLCache[uuid.UUID, asyncio.Future[EventFacts]] = TTLCache(CACHED_EVENTS, FACTS_TTL_SECONDS)

    async def facts(self, event_id: uuid.UUID) -> EventFacts:
        """Return an event, a few seconds old at most. Many who ask at once cause one call.

        Raises:
            NotFound: EVENT_NOT_FOUND.
            Unavailable: the events service gives no answer.
        """
        pending = self._facts.get(event_id)
        if pending is None:
            pending = asyncio.ensure_future(self._fetch(event_id))
            self._facts[event_id] = pending
            pending.add_done_callback(lambda done: self._forget_failure(event_id, done))
        return await asyncio.shield(pending)

    async def upcoming(self, event_id: uuid.UUID) -> EventFacts:
        """Return an event whose tickets fans can still buy, transfer and resell.

        Raises:
            EventNotFound: the event does not exist, or is still a draft.
            EventEnded: it is over, or was cancelled.
        """
        event = await self.facts(event_id)
        if event.status == "DRAFT":
            raise EventNotFound
        if not event.is_published or event.event_date <= datetime.now(UTC):
            raise EventEnded
        return event

    async def facts_of(self, event_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, EventFacts]:
        """Return several events in one call, whatever their status; unknown ids are left out."""
        if not event_ids:
            return {}
        answer = await self._events.post("/internal/events/lookup", {"event_ids": list(event_ids)})
        events = [EventFacts.model_validate(event) for event in answer]
        return {event.event_id: event for event in events}

    async def page(self, query: dict[str, Any]) -> tuple[list[EventFacts], int]:
        """Return one page of published events, and how many there are in all."""
        answer = await self._events.get("/internal/events", query)
        events = [EventFacts.model_validate(event) for event in answer["data"]]
        return events, answer["pagination"]["total"]

    async def draft(self, call: Call, *, event_id: uuid.UUID, draft: EventDraft) -> None:
        details = draft.model_dump(mode="json", exclude_none=True)
        prices = {category.category: f"{category.price:.2f}" for category in draft.layout}
        await self._events.post(
            "/internal/events",
            details
            | {
                "request_id": call.request_id,
                "event_id": event_id,
                "total_seats": draft.capacity,
                "pricing_tiers": prices,
            },
        )

    async def discard(self, call: Call, *, event_id: uuid.UUID) -> None:
        await self._events.post(
            f"/internal/events/{event_id}/discard",
            {"request_id": call.request_id, "undoes_request_id": call.undoes_request_id},
        )

    async def publish(self, call: Call, *, event_id: uuid.UUID) -> dict[str, Any]:
        """Make the event visible and return it."""
        published: dict[str, Any] = await self._events.post(
            f"/internal/events/{event_id}/publish", {"request_id": call.request_id}
        )
        return published

    async def cancel(self, call: Call, *, event_id: uuid.UUID) -> None:
        """Cancel a published event. Any other one: EVENT_INVALID_STATE."""
        await self._events.post(f"/internal/events/{event_id}/cancel", {"request_id": call.request_id})
        self._facts.pop(event_id, None)

    async def _fetch(self, event_id: uuid.UUID) -> EventFacts:
        return EventFacts.model_validate(await self._events.get(f"/internal/events/{event_id}"))

    def _forget_failure(self, event_id: uuid.UUID, done: "asyncio.Future[EventFacts]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._facts.pop(event_id, None)
