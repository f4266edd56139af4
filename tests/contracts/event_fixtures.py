"""Events for tests, created and published with the services' own calls."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from orchestrator.clients import Clients
from orchestrator.clients.models import EventDraft, LayoutCategory, LayoutRow, Venue
from orchestrator.saga_engine.plan import Call

__all__ = ["PRICE", "PublishedEvent", "publish_event", "small_event"]

PRICE: Final = Decimal("120.00")
HALL_ID: Final = "HALL-A"
ROW: Final = 20


@dataclass(kw_only=True)
class PublishedEvent:
    """A published event; each test takes seats of its own."""

    event_id: uuid.UUID
    hall_id: str
    seat_ids: list[uuid.UUID] = field(repr=False)

    def take(self, count: int) -> list[uuid.UUID]:
        """Return seats that no other test has."""
        taken, self.seat_ids = self.seat_ids[:count], self.seat_ids[count:]
        assert len(taken) == count, "too few seats for the tests"
        return taken


async def publish_event(clients: Clients, *, rows: int) -> PublishedEvent:
    """Publish an event with rows of twenty seats."""
    event_id = uuid.uuid4()
    layout_rows = tuple(LayoutRow(row_number=f"R{i}", seats=ROW) for i in range(rows))
    draft = _event(LayoutCategory(category="CAT1", price=PRICE, rows=layout_rows))
    await clients.events.draft(Call(uuid.uuid4()), event_id=event_id, draft=draft)
    await clients.inventory.provision(Call(uuid.uuid4()), event_id=event_id, layout=draft.layout)
    await clients.events.publish(Call(uuid.uuid4()), event_id=event_id)
    seats = json.loads(await clients.inventory.seat_map(event_id))
    return PublishedEvent(event_id=event_id, hall_id=HALL_ID, seat_ids=[uuid.UUID(seat["seat_id"]) for seat in seats])


def small_event() -> EventDraft:
    """Return an event with one row and a standing area."""
    return _event(
        LayoutCategory(category="CAT1", price=PRICE, rows=(LayoutRow(row_number="A", seats=3),)),
        LayoutCategory(category="STANDING", price=PRICE, general_admission=4),
    )


def _event(*layout: LayoutCategory) -> EventDraft:
    return EventDraft(
        name="Contract Night",
        venue=Venue(name="Contract Hall", address=str(uuid.uuid4())),
        hall_id=HALL_ID,
        event_date=datetime.now(UTC) + timedelta(days=30),
        layout=layout,
    )
