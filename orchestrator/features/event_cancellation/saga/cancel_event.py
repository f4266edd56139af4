"""Calling an event off: **cancel event** → close hall → give everything back, bit by bit.

Tens of thousands of orders take minutes. Each bit ends some of them, by refunds and withdrawals that are sagas of their
own, and stores how many are left; whoever takes over after a crash goes on from there. It is over when nothing is
open: an order with a disputed ticket waits for an admin.
"""

import uuid
from typing import Final

from common.messaging.message import Message
from common.messaging.topology import MESSAGES_EXCHANGE
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.models import OpenWork
from orchestrator.features.event_cancellation.saga.processor import EventCancellationProcessor
from orchestrator.saga_engine.plan import (
    DEFAULT_STEP_TIMEOUT_SECONDS,
    Call,
    OutgoingMessage,
    Plan,
    SagaData,
    must_finish,
    pivot,
    publish,
)

__all__ = ["CANCEL_EVENT", "CancelEvent", "cancel_event_plan"]

CANCEL_EVENT: Final = "cancel event"
SOURCE: Final = "orchestrator"
# A bit is a hundred orders at most, which take a second or two; a busy machine gets the benefit of the doubt. That is a
# minute by default: so long it also takes until somebody goes on where a killed process stopped.
CLEARING_TIMEOUTS: Final = 10


class CancelEvent(SagaData):
    """What the saga knows. `left` is there once the hall is closed; `refunded_before` are the refunded orders of then."""

    event_id: uuid.UUID
    cancelled_by_user_id: uuid.UUID
    refunded_before: int = 0
    left: OpenWork | None = None

    @property
    def orders_refunded(self) -> int:
        return self.left.refunded_orders - self.refunded_before if self.left else 0

    @property
    def orders_total(self) -> int:
        """How many paid orders are to be refunded, those that are already among them."""
        return self.orders_refunded + (self.left.confirmed_orders if self.left else 0)

    @property
    def is_cleared(self) -> bool:
        return self.left is not None and self.left.is_done


def cancel_event_plan(
    *,
    events: EventsClient,
    inventory: InventoryClient,
    processor: EventCancellationProcessor,
    step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
) -> Plan[CancelEvent]:
    """Return the story of an event that does not take place."""
    steps = CancelEventSteps(events=events, inventory=inventory, processor=processor)
    return Plan(
        CANCEL_EVENT,
        CancelEvent,
        pivot("cancel event", steps.cancel_event),
        must_finish("close hall", steps.close_hall),
        must_finish(
            "give everything back",
            steps.give_back_some,
            until=lambda cancellation: cancellation.is_cleared,
            step_timeout_seconds=CLEARING_TIMEOUTS * step_timeout_seconds,
        ),
        publish("announce cancellation", cancelled_message),
        step_timeout_seconds=step_timeout_seconds,
    )


class CancelEventSteps:
    """The saga's actions, in the order of the story."""

    def __init__(
        self, *, events: EventsClient, inventory: InventoryClient, processor: EventCancellationProcessor
    ) -> None:
        self._events = events
        self._inventory = inventory
        self._processor = processor

    async def cancel_event(self, cancellation: CancelEvent, call: Call) -> CancelEvent:
        await self._events.cancel(call, event_id=cancellation.event_id)
        return cancellation

    async def close_hall(self, cancellation: CancelEvent, call: Call) -> CancelEvent:
        await self._inventory.close_event(call, event_id=cancellation.event_id)
        left = await self._processor.count(cancellation.event_id)
        return cancellation.model_copy(update={"refunded_before": left.refunded_orders, "left": left})

    async def give_back_some(self, cancellation: CancelEvent, _: Call) -> CancelEvent:
        left = await self._processor.clear_some(event_id=cancellation.event_id, cancellation_id=cancellation.saga_id)
        return cancellation.model_copy(update={"left": left})


def cancelled_message(cancellation: CancelEvent) -> OutgoingMessage:
    facts = {"event_id": str(cancellation.event_id), "orders_refunded": cancellation.orders_refunded}
    message = Message(type="event.cancelled", source=SOURCE, subject=str(cancellation.event_id), data=facts)
    return OutgoingMessage(message, MESSAGES_EXCHANGE, "event.cancelled")
