"""The rules that refuse a scan (T12): the first rule that applies decides. They do no I/O."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from common.fields import shifted
from common.text import is_same_text
from common.time_zones import local_text
from orchestrator.clients.events import EventFacts
from orchestrator.clients.inventory.check_in import ScanOutcome, ScanResult
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.features.tickets.adapters.qr_code import QrTicket

__all__ = ["RULES", "Place", "ScanContext", "message_of", "refusal_of", "wrong_place_of"]

# The orchestrators' clocks may differ by as much; a code from further in the future was not issued properly.
CLOCK_SKEW: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where staff scan. If the venue or the event is None, those of the ticket are not compared."""

    hall_id: str
    venue_id: uuid.UUID | None = None
    event_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanContext:
    """What is known when a code is presented; what does not exist is None."""

    ticket: QrTicket
    place: Place
    seen_at: datetime
    """By the server's clock: the scanner's may be wrong."""
    time_to_live: timedelta
    grace: timedelta
    """How long after the event's end its tickets are still admitted."""
    seat: OwnedSeat | None
    event: EventFacts | None
    order_status: str | None


def wrong_place_of(event: EventFacts, place: Place) -> ScanResult | None:
    """Return WRONG_HALL or WRONG_EVENT if the place is not the event's."""
    if not is_same_text(event.hall_id, place.hall_id) or place.venue_id not in {None, event.venue_id}:
        return ScanResult.WRONG_HALL
    if place.event_id not in {None, event.event_id}:
        return ScanResult.WRONG_EVENT
    return None


def _is_unknown(context: ScanContext) -> bool:
    return context.event is None or context.seat is None or context.seat.event_id != context.ticket.event_id


def _is_outside_lifetime(context: ScanContext) -> bool:
    age = context.seen_at - context.ticket.generated_at
    return age >= context.time_to_live or age < -CLOCK_SKEW


def _is_for_another_hall(context: ScanContext) -> bool:
    return context.event is not None and wrong_place_of(context.event, context.place) is ScanResult.WRONG_HALL


def _is_for_another_event(context: ScanContext) -> bool:
    return context.event is not None and wrong_place_of(context.event, context.place) is ScanResult.WRONG_EVENT


def _is_too_early(context: ScanContext) -> bool:
    event = context.event
    return event is not None and event.has_doors_time and context.seen_at < event.doors_open_at


def _is_over(context: ScanContext) -> bool:
    return context.event is not None and context.seen_at >= shifted(context.event.ends_at, context.grace)


def _is_cancelled(context: ScanContext) -> bool:
    return context.event is not None and not context.event.is_published


def _is_unpaid(context: ScanContext) -> bool:
    return context.seat is None or context.seat.owner_user_id is None or context.order_status != "CONFIRMED"


def _has_another_owner(context: ScanContext) -> bool:
    return context.seat is not None and context.seat.owner_user_id != context.ticket.user_id


def _is_listed(context: ScanContext) -> bool:
    return context.seat is not None and context.seat.status == "LISTED"


# In this order. There is no rule for a ticket that was admitted before: the inventory detects it, and knows since when.
RULES: Final[tuple[tuple[Callable[[ScanContext], bool], ScanResult], ...]] = (
    (_is_unknown, ScanResult.NOT_FOUND),
    (_is_outside_lifetime, ScanResult.EXPIRED),
    (_is_for_another_hall, ScanResult.WRONG_HALL),
    (_is_for_another_event, ScanResult.WRONG_EVENT),
    (_is_too_early, ScanResult.WRONG_EVENT),  # the hall may have another event until then
    (_is_over, ScanResult.WRONG_EVENT),
    (_is_cancelled, ScanResult.UNPAID),  # its orders are being refunded
    (_is_unpaid, ScanResult.UNPAID),
    (_has_another_owner, ScanResult.NOT_OWNER),
    (_is_listed, ScanResult.EXPIRED),  # a ticket on sale has no valid code
)


def refusal_of(context: ScanContext) -> ScanResult | None:
    """Return why the scan is refused; None leaves it to the inventory, which admits each ticket once."""
    return next((result for applies, result in RULES if applies(context)), None)


def message_of(outcome: ScanOutcome, context: ScanContext) -> str:
    """Return the text for the scanner's display."""
    match outcome.result:
        case ScanResult.SUCCESS:
            return "Admitted"
        case ScanResult.DUPLICATE if outcome.admitted_at:
            return f"Admitted before, at {_time_of(outcome.admitted_at, context)}"
        case ScanResult.WRONG_HALL | ScanResult.WRONG_EVENT if context.event:
            return _misplaced(outcome.result, context.event, context)
        case ScanResult.EXPIRED if not _is_outside_lifetime(context):
            return "The ticket is on sale: it has no valid code"
    return _MESSAGES[outcome.result]


def _time_of(admitted_at: datetime, context: ScanContext) -> str:
    form = "%H:%M:%S %Z"
    return context.event.local_text(admitted_at, form) if context.event else local_text(admitted_at, form, "UTC")


def _misplaced(result: ScanResult, event: EventFacts, context: ScanContext) -> str:
    if result is ScanResult.WRONG_HALL:
        is_hall = is_same_text(event.hall_id, context.place.hall_id)  # of another venue
        what, right = ("venue", event.venue.name) if is_hall else ("hall", event.hall_id)
        return f"Wrong {what}: this ticket is for {right}"
    if _is_for_another_event(context):
        return f"Wrong event: this ticket is for {event.name}"
    if _is_too_early(context):
        return (
            f"Too early: the doors of {event.name} open at {event.local_text(event.doors_open_at, '%Y-%m-%d %H:%M %Z')}"
        )
    return f"The event is over: {event.name}"


_MESSAGES: Final = {
    ScanResult.DUPLICATE: "Admitted before",
    ScanResult.UNPAID: "This seat is not paid",
    ScanResult.NOT_FOUND: "There is no such seat",
    ScanResult.WRONG_HALL: "Wrong hall",
    ScanResult.WRONG_EVENT: "Wrong event",
    ScanResult.EXPIRED: "The code is too old: open the ticket again",
    ScanResult.NOT_OWNER: "The ticket belongs to another user",
    ScanResult.UNKNOWN: "Not admitted",
    ScanResult.UNDONE: "The admission was undone: scan the ticket again",
}
