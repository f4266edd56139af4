"""The saga that cancels an event: **cancel event** → close hall → give everything back.

The last step refunds every order and ends everything else, batch by batch: tens of thousands of orders take minutes. Each
batch ends some of them, by refunds and withdrawals that are sagas of their own, and stores how many are left. After a
crash, another worker continues from there. The saga completes when nothing is open: a disputed ticket waits for an admin.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from common.messaging.outbox import OutgoingMessage
from orchestrator.clients import Clients
from orchestrator.clients.models import OpenWork
from orchestrator.features.event_cancellation.saga.processor import EventCancellationProcessor
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import (
    DEFAULT_STEP_TIMEOUT_SECONDS,
    Call,
    Plan,
    SagaData,
    must_finish,
    pivot,
    publish,
)

__all__ = ["BATCH_STEP_TIMEOUTS", "CANCEL_EVENT", "CancelEvent", "cancel_event_plan"]

CANCEL_EVENT: Final = "cancel event"
# A batch is at most a hundred orders, which take a second or two; a busy machine may need far longer. The default is a
# minute, which is also how long another worker waits before it continues where a killed process stopped.
BATCH_STEP_TIMEOUTS: Final = 10


class CancelEvent(SagaData):
    """The saga's data. `left` and `refunded_before`, the number of orders refunded by then, are set by `close hall`."""

    event_id: uuid.UUID
    cancelled_by_user_id: uuid.UUID
    refunded_before: int = 0
    left: OpenWork | None = None

    @property
    def orders_refunded(self) -> int:
        return self.left.refunded_orders - self.refunded_before if self.left else 0

    @property
    def orders_total(self) -> int:
        """The number of paid orders to refund, refunded ones included."""
        return self.orders_refunded + (self.left.confirmed_orders if self.left else 0)

    @property
    def is_cleared(self) -> bool:
        return self.left is not None and self.left.is_done


def cancel_event_plan(
    clients: Clients,
    processor: EventCancellationProcessor,
    *,
    batch_timeout_seconds: float = BATCH_STEP_TIMEOUTS * DEFAULT_STEP_TIMEOUT_SECONDS,
) -> Plan[CancelEvent]:
    steps = CancelEventSteps(clients, processor)
    return Plan(
        CANCEL_EVENT,
        CancelEvent,
        pivot("cancel event", steps.cancel_event),
        must_finish("close hall", steps.close_hall),
        must_finish(
            "give everything back",
            steps.give_everything_back,
            until=lambda cancellation: cancellation.is_cleared,
            step_timeout_seconds=batch_timeout_seconds,
        ),
        publish("announce cancellation", cancelled_message),
    )


@dataclass(frozen=True, slots=True)
class CancelEventSteps:
    """The saga's actions, in the plan's order."""

    clients: Clients
    processor: EventCancellationProcessor

    async def cancel_event(self, cancellation: CancelEvent, call: Call) -> CancelEvent:
        await self.clients.events.cancel(call, event_id=cancellation.event_id)
        return cancellation

    async def close_hall(self, cancellation: CancelEvent, call: Call) -> CancelEvent:
        await self.clients.inventory.close_event(call, event_id=cancellation.event_id)
        left = await self.processor.count(cancellation.event_id)
        return cancellation.model_copy(update={"refunded_before": left.refunded_orders, "left": left})

    async def give_everything_back(self, cancellation: CancelEvent, _: Call) -> CancelEvent:
        left = await self.processor.process_batch(event_id=cancellation.event_id, cancellation_id=cancellation.saga_id)
        return cancellation.model_copy(update={"left": left})


def cancelled_message(cancellation: CancelEvent) -> OutgoingMessage:
    facts = {"event_id": str(cancellation.event_id), "orders_refunded": cancellation.orders_refunded}
    return announcement("event.cancelled", subject=cancellation.event_id, data=facts)
