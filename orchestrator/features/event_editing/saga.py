"""The saga that edits an event: **edit event** → announce new date → tell holders.

If the date moves, everyone who owns a ticket is told once, page by page of the hall, as soon as every process knows the new
date: who gets a ticket later gets an email that names it. After a crash, another worker continues from the last page. A
later change of the date, or a cancellation, tells all of them, so this one stops.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.messaging.outbox import OutgoingMessage
from orchestrator.clients import Clients
from orchestrator.clients.events import FACTS_TTL_SECONDS, EditedEventFacts
from orchestrator.features.event_editing.repository import HolderNotices
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish

__all__ = ["EDIT_EVENT", "EditEvent", "edit_event_plan"]

EDIT_EVENT: Final = "edit event"
SEATS_PER_PAGE: Final = 200
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Until then a process may have the facts that it read before the edit.
SETTLING_TIME: Final = timedelta(seconds=FACTS_TTL_SECONDS + 1)


class EditEvent(SagaData):
    """The saga's data. `event` and `edited_at` are set by the edit, `next_page` while the holders are being told."""

    event_id: uuid.UUID
    changes: dict[str, Any]
    refundable_until: datetime | None = None
    version: int | None = None
    event: EditedEventFacts | None = None
    edited_at: datetime = NEVER
    next_page: str = ""
    are_holders_told: bool = False

    @property
    def edited_event(self) -> EditedEventFacts:
        """The event, for steps after its edit."""
        if self.event is None:
            raise RuntimeError(f"event {self.event_id} is not edited yet")
        return self.event


def edit_event_plan(
    clients: Clients,
    notices: HolderNotices,
    *,
    seats_per_page: int = SEATS_PER_PAGE,
    settling_time: timedelta = SETTLING_TIME,
) -> Plan[EditEvent]:
    steps = EditEventSteps(clients, notices, seats_per_page, settling_time)
    return Plan(
        EDIT_EVENT,
        EditEvent,
        pivot("edit event", steps.edit_event),
        publish("announce new date", rescheduled_message),
        must_finish("tell holders", steps.tell_holders, until=lambda edit: edit.are_holders_told),
    )


@dataclass(frozen=True, slots=True)
class EditEventSteps:
    """The saga's actions, in the plan's order."""

    clients: Clients
    notices: HolderNotices
    seats_per_page: int
    settling_time: timedelta

    async def edit_event(self, edit: EditEvent, call: Call) -> EditEvent:
        event = await self.clients.events.edit(
            call,
            event_id=edit.event_id,
            changes=edit.changes,
            refundable_until=edit.refundable_until,
            version=edit.version,
        )
        edited = {"event": event, "edited_at": datetime.now(UTC), "are_holders_told": not event.has_moved}
        return edit.model_copy(update=edited)

    async def tell_holders(self, edit: EditEvent, _: Call) -> EditEvent:
        """Tell the holders of one page; without a change of the data, the engine pauses before the next try."""
        if edit.are_holders_told or datetime.now(UTC) < edit.edited_at + self.settling_time:
            return edit
        if not await self._is_current(edit.edited_event):
            return edit.model_copy(update={"are_holders_told": True})
        page = await self.clients.check_in.attendees(
            edit.event_id, page_token=edit.next_page, limit=self.seats_per_page
        )
        holders = sorted({attendee.user_id for attendee in page.attendees})
        await self.notices.send([_holder_message(edit, user_id) for user_id in holders])
        return edit.model_copy(update={"next_page": page.next_page_token, "are_holders_told": not page.next_page_token})

    async def _is_current(self, event: EditedEventFacts) -> bool:
        present = await self.clients.events.present_facts(event.event_id)
        return present.is_published and present.event_date == event.event_date


def rescheduled_message(edit: EditEvent) -> OutgoingMessage | None:
    if not edit.edited_event.has_moved:
        return None
    return announcement("event.rescheduled", subject=edit.event_id, data=_dates_of(edit.edited_event))


def _holder_message(edit: EditEvent, user_id: uuid.UUID) -> OutgoingMessage:
    return announcement(
        "ticket.rescheduled",
        subject=edit.event_id,
        data=_dates_of(edit.edited_event) | {"user_id": str(user_id)},
        message_id=uuid.uuid5(edit.saga_id, str(user_id)),
    )


def _dates_of(event: EditedEventFacts) -> dict[str, Any]:
    return event.model_dump(mode="json", include={"event_id", "previous_event_date", "event_date", "refundable_until"})
