"""The rules that refuse a scan (T12): the first rule that applies decides. They do no I/O."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestrator.clients.events import EventFacts
from orchestrator.clients.inventory.check_in import ScanOutcome, ScanResult
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.features.tickets.adapters.qr_code import QrTicket

__all__ = ["RULES", "ScanContext", "message_of", "refusal_of"]

# Shows end late, and some last for days.
ENDS_AFTER: Final = timedelta(hours=48)
# The orchestrators' clocks may differ by as much; a code from further in the future was not issued properly.
CLOCK_SKEW: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanContext:
    """What is known when a code is presented; what does not exist is None."""

    ticket: QrTicket
    hall_presented: str
    event_presented: uuid.UUID | None
    """None if the scanner names no event."""
    seen_at: datetime
    """By the server's clock: the scanner's may be wrong."""
    time_to_live: timedelta
    seat: OwnedSeat | None
    event: EventFacts | None
    order_status: str | None


def _is_unknown(context: ScanContext) -> bool:
    return context.event is None or context.seat is None or context.seat.event_id != context.ticket.event_id


def _is_outside_lifetime(context: ScanContext) -> bool:
    age = context.seen_at - context.ticket.generated_at
    return age >= context.time_to_live or age < -CLOCK_SKEW


def _is_for_another_hall(context: ScanContext) -> bool:
    if context.event is None:
        return False
    return context.event.hall_id != context.hall_presented or context.event_presented not in {
        None,
        context.event.event_id,
    }


def _is_over(context: ScanContext) -> bool:
    return context.event is not None and context.seen_at >= context.event.event_date + ENDS_AFTER


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
    (_is_over, ScanResult.EXPIRED),  # the hall has another event by now
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
            return f"Admitted before, at {outcome.admitted_at:%H:%M:%S} UTC"
        case ScanResult.WRONG_HALL if context.event:
            return f"Wrong hall: this ticket is for {context.event.hall_id}"
        case ScanResult.EXPIRED if not _is_outside_lifetime(context) and _is_over(context):
            return "The event is over"
        case ScanResult.EXPIRED if not _is_outside_lifetime(context):
            return "The ticket is on sale: it has no valid code"
    return _MESSAGES[outcome.result]


_MESSAGES: Final = {
    ScanResult.DUPLICATE: "Admitted before",
    ScanResult.UNPAID: "This seat is not paid",
    ScanResult.NOT_FOUND: "There is no such seat",
    ScanResult.WRONG_HALL: "Wrong hall",
    ScanResult.EXPIRED: "The code is too old: open the ticket again",
    ScanResult.NOT_OWNER: "The ticket belongs to another user",
}
