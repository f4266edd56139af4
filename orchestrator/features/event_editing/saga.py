"""The saga that edits an event: **edit event** → announce new date → withdraw admissions → tell holders.

If the date moves, two steps go through the hall page by page, as soon as every process knows the new date. After a crash,
another worker continues from the last page. A later change of the date, or a cancellation, does the same for all tickets, so
this one stops.

If the doors open again later, those who were admitted are outside until then: their tickets are valid again. If the new doors
are open already, admissions stand. Then everyone who owns a ticket is told once; who gets a ticket later gets an email that
names the new date.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.errors import ServiceError
from common.messaging.outbox import OutgoingMessage
from orchestrator.clients import Clients
from orchestrator.clients.events import FACTS_TTL_SECONDS, EditedEventFacts, EventFacts
from orchestrator.clients.inventory.check_in import Attendee, CheckInUndo
from orchestrator.features.event_editing.repository import HolderNotices
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish

__all__ = ["EDIT_EVENT", "EditEvent", "edit_event_plan"]

EDIT_EVENT: Final = "edit event"
SEATS_PER_PAGE: Final = 200
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Until then a process may have the facts that it read before the edit.
SETTLING_TIME: Final = timedelta(seconds=FACTS_TTL_SECONDS + 1)
CHECKED_IN: Final = "CHECKED_IN"
WITHDRAWN: Final = "The event has a new date."  # the reason in the log of scans
NOT_STORED: Final = uuid.UUID(int=0)


class EditEvent(SagaData):
    """The saga's data. `event` and `edited_at` are set by the edit, the pages while the steps after it are at work."""

    event_id: uuid.UUID
    editor_user_id: uuid.UUID = NOT_STORED
    changes: dict[str, Any]
    refundable_until: datetime | None = None
    version: int | None = None
    event: EditedEventFacts | None = None
    edited_at: datetime = NEVER
    next_page_of_admissions: str = ""
    are_admissions_withdrawn: bool = False
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
        must_finish("withdraw admissions", steps.withdraw_admissions, until=lambda edit: edit.are_admissions_withdrawn),
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
        is_done = not event.has_moved
        edited = {"event": event, "edited_at": datetime.now(UTC)}
        return edit.model_copy(update=edited | {"are_admissions_withdrawn": is_done, "are_holders_told": is_done})

    async def withdraw_admissions(self, edit: EditEvent, _: Call) -> EditEvent:
        """Withdraw the admissions of one page; without a change of the data, the engine pauses before the next try."""
        if edit.are_admissions_withdrawn or not self._is_settled(edit):
            return edit
        event = await self._current(edit.edited_event)
        if event is None or event.doors_open_at <= edit.edited_at:
            return edit.model_copy(update={"are_admissions_withdrawn": True})
        page = await self.clients.check_in.attendees(
            edit.event_id, page_token=edit.next_page_of_admissions, limit=self.seats_per_page
        )
        for attendee in page.attendees:
            if was_admitted_before(event.doors_open_at, attendee):
                await self._withdraw_admission(edit, event, attendee.seat_id)
        token = page.next_page_token
        return edit.model_copy(update={"next_page_of_admissions": token, "are_admissions_withdrawn": not token})

    async def tell_holders(self, edit: EditEvent, _: Call) -> EditEvent:
        """Tell the holders of one page; without a change of the data, the engine pauses before the next try."""
        if edit.are_holders_told or not self._is_settled(edit):
            return edit
        if await self._current(edit.edited_event) is None:
            return edit.model_copy(update={"are_holders_told": True})
        page = await self.clients.check_in.attendees(
            edit.event_id, page_token=edit.next_page, limit=self.seats_per_page
        )
        holders = sorted({attendee.user_id for attendee in page.attendees})
        await self.notices.send([_holder_message(edit, user_id) for user_id in holders])
        return edit.model_copy(update={"next_page": page.next_page_token, "are_holders_told": not page.next_page_token})

    def _is_settled(self, edit: EditEvent) -> bool:
        return datetime.now(UTC) >= edit.edited_at + self.settling_time

    async def _current(self, event: EditedEventFacts) -> EventFacts | None:
        """Return the event as it is now; None if its date has moved again or it is cancelled."""
        present = await self.clients.events.present_facts(event.event_id)
        return present if present.is_published and present.event_date == event.event_date else None

    async def _withdraw_admission(self, edit: EditEvent, event: EventFacts, seat_id: uuid.UUID) -> None:
        """Withdraw a seat's admission, unless staff or an earlier try did, or the event is over."""
        undo = CheckInUndo(
            event_id=event.event_id,
            seat_id=seat_id,
            scan_id=None,
            staff_user_id=edit.editor_user_id,
            hall_presented=event.hall_id,
            hall_expected=event.hall_id,
            reason=WITHDRAWN,
            ends_at=event.ends_at,
        )
        try:
            await self.clients.check_in.undo(uuid.uuid5(edit.saga_id, f"withdraw admission/{seat_id}"), undo)
        except ServiceError as refusal:
            if not refusal.is_remembered:
                raise


def was_admitted_before(doors_open_at: datetime, attendee: Attendee) -> bool:
    """Return whether a seat is checked in, and not since the new doors opened: a stuck saga may continue after that.

    A checked-in seat does not change. Seats of a release that stored no time of it were admitted before.
    """
    at = attendee.updated_at
    return attendee.status == CHECKED_IN and (at is None or at < doors_open_at)


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
