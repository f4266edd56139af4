"""Cancels events, and returns the progress of a cancellation (T7)."""

import uuid
from dataclasses import dataclass

from common.errors import Busy, Unavailable
from orchestrator.clients import Clients
from orchestrator.clients.models import OpenWork
from orchestrator.errors import EventInvalidState, EventNotFound
from orchestrator.features.event_cancellation.saga.cancel_event import CANCEL_EVENT, CancelEvent
from orchestrator.features.event_cancellation.schemas import EventCancellation
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import PreviousSagas, find_previous_sagas
from orchestrator.saga_engine.outcomes import failure_of
from orchestrator.saga_engine.record import SagaRecord, SagaState


@dataclass(frozen=True, slots=True)
class EventCancellationService:
    engine: SagaEngine
    clients: Clients

    async def cancel(self, event_id: uuid.UUID, *, cancelled_by: uuid.UUID) -> tuple[str, EventCancellation]:
        """Cancel an event: every order is refunded, every transfer and listing ends. Return its status before, and the progress.

        Raises:
            NotFound: EVENT_NOT_FOUND.
            Conflict: EVENT_INVALID_STATE, it is not on sale yet.
        """
        previous = await self._previous_sagas(event_id)
        if previous.accepted is not None:
            return "CANCELLED", _view(previous.accepted)
        event = await self.clients.events.facts(event_id)
        if not event.is_published:
            raise EventInvalidState(details={"status": event.status})
        cancellation = CancelEvent(saga_id=previous.next_id, event_id=event_id, cancelled_by_user_id=cancelled_by)
        try:
            return event.status, _view(await self.engine.start(CANCEL_EVENT, cancellation, requested_by=cancelled_by))
        except (StillRunning, Busy, Unavailable):  # it goes on in the background, or another request was first
            return event.status, await self.progress(event_id)

    async def progress(self, event_id: uuid.UUID) -> EventCancellation:
        """Return the progress of an event's cancellation.

        Raises:
            NotFound: EVENT_NOT_FOUND, also for an event that was not cancelled.
            Unavailable: it has just begun.
        """
        saga = (await self._previous_sagas(event_id)).accepted
        if saga is None:
            await self.clients.events.facts(event_id)
            raise EventNotFound("The event was not cancelled.")
        return _view(saga)

    async def _previous_sagas(self, event_id: uuid.UUID) -> PreviousSagas:
        return await find_previous_sagas(self.engine.log, uuid.uuid5(event_id, CANCEL_EVENT))


def _view(saga: SagaRecord) -> EventCancellation:
    cancellation = saga.data
    if not isinstance(cancellation, CancelEvent):
        raise Unavailable(saga_id=saga.saga_id)
    if saga.state is SagaState.UNWOUND:
        raise failure_of(saga)
    left = cancellation.left or OpenWork()
    return EventCancellation(
        event_id=cancellation.event_id,
        saga_id=saga.saga_id,
        state=saga.state,
        orders_total=cancellation.orders_total,
        orders_refunded=cancellation.orders_refunded,
        open_orders=left.confirmed_orders + left.pending_orders,
        open_transfers=left.transfers,
        open_disputes=left.disputes,
        open_listings=left.listings,
    )
