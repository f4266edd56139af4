"""The saga that puts an event on sale: draft event → provision seats → **publish event**.

Fans do not see the event before its hall is complete; if the hall cannot be built, the draft is discarded.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.clients import Clients
from orchestrator.clients.models import EventDraft
from orchestrator.saga_engine.plan import Call, Plan, SagaData, pivot, undoable

__all__ = ["PUT_ON_SALE", "PutOnSale", "put_on_sale_plan"]

PUT_ON_SALE: Final = "put on sale"
# 100,000 seats take a few seconds to create (docs/performance.md); a busy machine may need far longer.
PROVISION_TIMEOUT_SECONDS: Final = 60.0


class PutOnSale(SagaData):
    """The saga's data. The event's id is the saga's."""

    draft: EventDraft
    seats_created: int = 0
    event: dict[str, Any] | None = None

    @property
    def event_id(self) -> uuid.UUID:
        return self.saga_id


def put_on_sale_plan(clients: Clients) -> Plan[PutOnSale]:
    steps = PutOnSaleSteps(clients)
    return Plan(
        PUT_ON_SALE,
        PutOnSale,
        undoable("draft event", steps.draft_event, steps.discard_draft),
        undoable(
            "provision seats",
            steps.provision_seats,
            steps.discard_seats,
            step_timeout_seconds=PROVISION_TIMEOUT_SECONDS,
        ),
        pivot("publish event", steps.publish_event),
    )


@dataclass(frozen=True, slots=True)
class PutOnSaleSteps:
    """The saga's actions and undos, in the plan's order."""

    clients: Clients

    async def draft_event(self, sale: PutOnSale, call: Call) -> PutOnSale:
        await self.clients.events.draft(call, event_id=sale.event_id, draft=sale.draft)
        return sale

    async def discard_draft(self, sale: PutOnSale, call: Call) -> None:
        await self.clients.events.discard(call, event_id=sale.event_id)

    async def provision_seats(self, sale: PutOnSale, call: Call) -> PutOnSale:
        created = await self.clients.inventory.provision(call, event_id=sale.event_id, layout=sale.draft.layout)
        return sale.model_copy(update={"seats_created": created})

    async def discard_seats(self, sale: PutOnSale, call: Call) -> None:
        await self.clients.inventory.discard(call, event_id=sale.event_id)

    async def publish_event(self, sale: PutOnSale, call: Call) -> PutOnSale:
        event = await self.clients.events.publish(call, event_id=sale.event_id)
        return sale.model_copy(update={"event": event})
