"""Events for fans: facts from the events service, seats and counts from the inventory."""

import asyncio
import uuid
from typing import Any

import orjson

from common.db.idempotency import fingerprint_of
from common.pages import Total
from orchestrator.clients import Clients
from orchestrator.clients.events import EventFacts
from orchestrator.clients.inventory.seats import CategoryCount
from orchestrator.clients.models import EventDraft
from orchestrator.errors import EventNotFound
from orchestrator.features.events.saga import PUT_ON_SALE, PutOnSale
from orchestrator.features.events.schemas import (
    Availability,
    CategoryAvailability,
    EventCreated,
    EventSummary,
    VenueName,
)
from orchestrator.features.events.service.seat_maps import SeatMaps
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.outcomes import data_of, succeeded


class CatalogueService:
    def __init__(self, engine: SagaEngine, clients: Clients) -> None:
        self._engine = engine
        self._events = clients.events
        self._inventory = clients.inventory
        self._seat_maps = SeatMaps(clients.inventory)

    async def page(self, query: dict[str, Any]) -> tuple[list[EventSummary], Total]:
        """Return a page of the published events, and their total."""
        events, total = await self._events.page(query)
        counts = await self._inventory.availability([event.event_id for event in events]) if events else {}
        return [_summary(event, counts.get(event.event_id, [])) for event in events], total

    async def detail(self, event_id: uuid.UUID, *, include_seats: bool) -> bytes:
        """Return an event as the JSON of an `EventDetail` in its envelope, with its seats if `include_seats`.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        event = await self._visible(event_id)
        seats, counts = await asyncio.gather(
            self._seat_maps.of(event) if include_seats else _no_seats(),
            self._inventory.availability([event_id]),
        )
        detail = _summary(event, counts.get(event_id, [])).model_dump(mode="json") | {
            "venue": event.venue.model_dump(mode="json"),
            **event.model_dump(mode="json", include={"description", "refundable_until", "articles"}),
        }
        if seats is not None:
            detail["seats"] = orjson.Fragment(seats)
        return orjson.dumps({"success": True, "data": detail})

    async def availability(self, event_id: uuid.UUID) -> Availability:
        """Return the counts per category, at most a second old.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        await self._visible(event_id)
        counts = (await self._inventory.availability([event_id])).get(event_id, [])
        categories = [CategoryAvailability.model_validate(count, from_attributes=True) for count in counts]
        return Availability(event_id=event_id, categories=categories)

    async def put_on_sale(self, draft: EventDraft, *, requested_by: uuid.UUID, saga_id: uuid.UUID) -> EventCreated:
        """Create an event with its hall; it is visible once every seat exists.

        Raises:
            NotFound: the venue, or its hall, is unknown.
            Conflict: EVENT_CONFLICT; another event has the hall at that time.
            StillRunning: it exceeds the request's budget.
        """
        new_event = PutOnSale(saga_id=saga_id, draft=draft)
        fingerprint = fingerprint_of(draft.model_dump(mode="json"))
        saga = await self._engine.start(PUT_ON_SALE, new_event, requested_by=requested_by, fingerprint=fingerprint)
        new_event = data_of(succeeded(saga), PutOnSale, otherwise=EventNotFound)
        return EventCreated(event_id=saga.saga_id, seats_created=new_event.seats_created)

    async def _visible(self, event_id: uuid.UUID) -> EventFacts:
        event = await self._events.facts(event_id)
        if event.status == "DRAFT":
            raise EventNotFound
        return event


async def _no_seats() -> None:
    return None


def _summary(event: EventFacts, counts: list[CategoryCount]) -> EventSummary:
    return EventSummary(
        event_id=event.event_id,
        name=event.name,
        venue=VenueName.model_validate(event.venue, from_attributes=True),
        hall_id=event.hall_id,
        event_date=event.event_date,
        ends_at=event.ends_at,
        doors_open_at=event.doors_open_at,
        sale_starts_at=event.sale_starts_at,
        total_seats=event.total_seats,
        available_seats=sum(count.available for count in counts),
        pricing_tiers=event.pricing_tiers,
    )
