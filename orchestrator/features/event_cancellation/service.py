"""Calling events off, and seeing how far that is (T7)."""

import uuid

from common.errors import Busy, Unavailable
from orchestrator.clients.events import EventsClient
from orchestrator.clients.models import OpenWork
from orchestrator.errors import EventInvalidState, EventNotFound
from orchestrator.features.event_cancellation.saga.cancel_event import CANCEL_EVENT, CancelEvent
from orchestrator.features.event_cancellation.schemas import EventCancellation
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.outcomes import attempts, failure_of
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["EventCancellationService"]


class EventCancellationService:
    def __init__(self, engine: SagaEngine, events: EventsClient) -> None:
        self._engine = engine
        self._events = events

    async def cancel(self, event_id: uuid.UUID, *, admin_id: uuid.UUID) -> EventCancellation:
        """Call an event off: every order is refunded, every transfer and listing ends. Asking again shows how far it is.

        Raises:
            NotFound: EVENT_NOT_FOUND.
            Conflict: EVENT_INVALID_STATE, it is not on sale yet.
        """
        tried = await attempts(self._engine, _first_saga_id(event_id))
        if tried.done is not None:
            return _view(tried.done)
        event = await self._events.facts(event_id)
        if not event.is_published:
            raise EventInvalidState(details={"status": event.status})
        cancellation = CancelEvent(saga_id=tried.next_id, event_id=event_id, cancelled_by_user_id=admin_id)
        try:
            return _view(await self._engine.start(CANCEL_EVENT, cancellation, requested_by=admin_id))
        except (StillRunning, Busy, Unavailable):  # it goes on by itself, or another admin was first
            return await self.progress(event_id)

    async def progress(self, event_id: uuid.UUID) -> EventCancellation:
        """Return how far an event's cancellation is.

        Raises:
            NotFound: EVENT_NOT_FOUND, nobody has called it off.
            Unavailable: it has just begun.
        """
        saga = (await attempts(self._engine, _first_saga_id(event_id))).done
        if saga is None:
            await self._events.facts(event_id)
            raise EventNotFound("The event was not cancelled.")
        return _view(saga)


def _first_saga_id(event_id: uuid.UUID) -> uuid.UUID:
    """Return the id under which an event's one cancellation is tried first."""
    return uuid.uuid5(event_id, CANCEL_EVENT)


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
