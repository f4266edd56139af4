"""Lists and edits events for those who manage them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.http.envelope import Page
from common.pages import Total
from orchestrator.clients import Clients
from orchestrator.clients.events import EditedEventFacts
from orchestrator.errors import EventNotFound
from orchestrator.features.event_editing.saga import EDIT_EVENT, EditEvent
from orchestrator.features.event_editing.schemas import EventChanges, ManagedEvent
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import start_once
from orchestrator.saga_engine.outcomes import data_of, succeeded
from orchestrator.saga_engine.record import SagaRecord


@dataclass(frozen=True, slots=True)
class EventEditingService:
    """Args: refund_window: how long fans may refund after the date of their event has moved."""

    engine: SagaEngine
    clients: Clients
    refund_window: timedelta

    async def page(
        self, filters: Mapping[str, Any], *, user: Principal, page: Page
    ) -> tuple[list[ManagedEvent], Total]:
        """Return a page of events by date, and their total: an organiser's own, or all for an admin."""
        own = {} if user.has_role(Role.ADMIN) else {"organiser_user_id": str(user.user_id)}
        query = {**filters, **own, "page": page.page, "per_page": page.per_page}
        events, total = await self.clients.events.page(query)
        return [ManagedEvent.model_validate(event) for event in events], total

    async def edit(
        self, event_id: uuid.UUID, body: EventChanges, *, caller: Principal, key: str | None
    ) -> EditedEventFacts:
        """Change a published event. If its date moves, the holders of its tickets are told, and may refund for a while.

        Raises:
            Forbidden: an organiser names an organiser.
            NotFound: EVENT_NOT_FOUND; USER_NOT_FOUND, the new organiser.
            InvalidRequest: its times would not be in order, or its date would move into the past.
            Conflict: EVENT_INVALID_STATE, it is not published or has another version; EVENT_CONFLICT.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it exceeds the request's budget, and is not edited yet.
        """
        if body.names_organiser:
            await self._check_organiser(body.organiser_user_id, caller)

        async def prepare(saga_id: uuid.UUID) -> EditEvent:
            return self._edit(saga_id, event_id, body, caller)

        try:
            saga = await start_once(
                self.engine,
                EDIT_EVENT,
                prepare,
                operation=EDIT_EVENT,
                requested_by=caller.user_id,
                key=key,
                request={"event_id": event_id, "version": body.version, **body.changes},
            )
        except StillRunning as running:
            found = await self.engine.log.find(running.saga_id)
            if found is None:
                raise
            saga = found
        return _edited(saga)

    def _edit(self, saga_id: uuid.UUID, event_id: uuid.UUID, body: EventChanges, caller: Principal) -> EditEvent:
        refundable_until = None if body.event_date is None else end_of_refunds(self.refund_window, body.event_date)
        return EditEvent(
            saga_id=saga_id,
            event_id=event_id,
            editor_user_id=caller.user_id,
            changes=body.changes,
            refundable_until=refundable_until,
            version=body.version,
        )

    async def _check_organiser(self, user_id: uuid.UUID | None, caller: Principal) -> None:
        if not caller.has_role(Role.ADMIN):
            raise Forbidden
        if user_id is not None:
            await self.clients.users.find(user_id)


def end_of_refunds(window: timedelta, new_date: datetime) -> datetime | None:
    """Return until when fans may refund, whatever the deadline, if an event moves now; None without a window."""
    return min(datetime.now(UTC) + window, new_date) if window else None


def _edited(saga: SagaRecord) -> EditedEventFacts:
    """Return the event of a saga, even while that is telling the holders.

    Raises:
        StillRunning: the event is not edited yet.
        ServiceError: why it was not edited.
    """
    edit = data_of(saga, EditEvent, otherwise=EventNotFound)
    if edit.event is None:
        succeeded(saga)
        raise StillRunning(saga.saga_id)
    return edit.event
