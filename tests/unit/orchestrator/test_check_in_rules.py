"""Refusals at check-in: every rule, and their precedence."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.clients.events import EventFacts, VenueFacts
from orchestrator.clients.inventory.check_in import ScanOutcome, ScanResult
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.clients.models import Seat
from orchestrator.features.check_in.service.rules import Place, ScanContext, message_of, refusal_of, wrong_place_of
from orchestrator.features.tickets.adapters.qr_code import QrTicket

NOW = datetime(2027, 3, 1, 20, 0, tzinfo=UTC)
TTL = timedelta(seconds=60)
SEAT, EVENT, VENUE, OWNER, STRANGER = (uuid.uuid4() for _ in range(5))
MILLISECOND = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


def event(
    status: str = "PUBLISHED",
    *,
    doors_open_at: datetime = NOW - HOUR,
    has_doors_time: bool = True,
    ends_at: datetime = NOW + HOUR,
) -> EventFacts:
    return EventFacts(
        event_id=EVENT,
        name="Jazz at the Bay",
        status=status,
        venue=VenueFacts(venue_id=VENUE, name="Esplanade", address=""),
        hall_id="HALL-A",
        event_date=doors_open_at,
        doors_open_at=doors_open_at,
        has_doors_time=has_doors_time,
        ends_at=ends_at,
        total_seats=1,
        pricing_tiers={},
    )


def seat(*, status: str = "SOLD", owner: uuid.UUID | None = OWNER, event_id: uuid.UUID = EVENT) -> OwnedSeat:
    return OwnedSeat(
        seat=Seat(seat_id=SEAT, category="CAT1", row_number="A", seat_number=1, price=Decimal("350.00")),
        event_id=event_id,
        status=status,
        owner_user_id=owner,
        price_paid=Decimal("350.00"),
        purchased_at=NOW,
        order_id=uuid.uuid4(),
    )


def place(hall_id: str = "HALL-A", **named: uuid.UUID) -> Place:
    return Place(hall_id=hall_id, **named)


def scan_context(*, age: timedelta = timedelta(seconds=1), **known: Any) -> ScanContext:
    """Return the context of a valid code with these changes."""
    ticket = QrTicket(seat_id=SEAT, user_id=OWNER, event_id=EVENT, hall_id="HALL-A", generated_at=NOW - age)
    good: dict[str, Any] = {
        "place": place(),
        "seat": seat(),
        "event": event(),
        "order_status": "CONFIRMED",
        "grace": timedelta(0),
    }
    return ScanContext(ticket=ticket, seen_at=NOW, time_to_live=TTL, **good | known)


def test_ticket_is_admitted_from_doors_open_until_the_end() -> None:
    first_moment = event(doors_open_at=NOW)
    last_moment = event(ends_at=NOW + MILLISECOND)
    assert [refusal_of(scan_context(event=each)) for each in (first_moment, last_moment)] == [None, None]


def test_event_at_the_end_of_the_calendar_is_not_over() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert refusal_of(scan_context(event=event(ends_at=last), grace=timedelta(days=1))) is None


def test_event_of_the_previous_release_is_not_too_early() -> None:
    """Its doors may open earlier than assumed."""
    assert refusal_of(scan_context(event=event(doors_open_at=NOW + HOUR, has_doors_time=False))) is None


def test_hall_is_the_same_however_it_was_typed() -> None:
    stored = event().model_copy(update={"hall_id": "Salle E\u0301toile"})
    assert wrong_place_of(stored, place("Salle \u00c9toile")) is None


def test_category_is_named_as_it_is_stored() -> None:
    stored = event().model_copy(update={"pricing_tiers": {"Tribu\u0301ne": Decimal(1)}})
    assert stored.category_of("Trib\u00fane") == "Tribu\u0301ne"
    assert stored.category_of("CAT9") == "CAT9"


def test_event_ends_later_by_the_grace() -> None:
    assert refusal_of(scan_context(event=event(ends_at=NOW - HOUR), grace=HOUR + MILLISECOND)) is None
    assert refusal_of(scan_context(event=event(ends_at=NOW - HOUR), grace=HOUR)) is ScanResult.WRONG_EVENT


@pytest.mark.parametrize(
    "named", [{}, {"venue_id": VENUE}, {"event_id": EVENT}, {"venue_id": VENUE, "event_id": EVENT}]
)
def test_place_of_the_event_fits(named: dict[str, Any]) -> None:
    assert wrong_place_of(event(), place(**named)) is None


@pytest.mark.parametrize("status", ["SOLD", "CHECKED_IN"])
def test_valid_code_is_left_to_the_inventory(status: str) -> None:
    """This includes the code of an admitted fan: the inventory knows the admission time."""
    assert refusal_of(scan_context(seat=seat(status=status))) is None


# In the order of the rules. Each case is refused for its own reason and for every later one as well.
REASONS: dict[str, tuple[dict[str, Any], ScanResult]] = {
    "no such seat": ({"seat": None}, ScanResult.NOT_FOUND),
    "no such event": ({"event": None}, ScanResult.NOT_FOUND),
    "a seat of another event": ({"seat": seat(event_id=uuid.uuid4())}, ScanResult.NOT_FOUND),
    "too old": ({"age": TTL}, ScanResult.EXPIRED),
    "from the future": ({"age": timedelta(seconds=-5) - MILLISECOND}, ScanResult.EXPIRED),
    "another hall": ({"place": place("HALL-B")}, ScanResult.WRONG_HALL),
    "the hall of another venue": ({"place": place(venue_id=uuid.uuid4())}, ScanResult.WRONG_HALL),
    "another event": ({"place": place(event_id=uuid.uuid4())}, ScanResult.WRONG_EVENT),
    "before the doors open": ({"event": event(doors_open_at=NOW + MILLISECOND)}, ScanResult.WRONG_EVENT),
    "after the end": ({"event": event(ends_at=NOW)}, ScanResult.WRONG_EVENT),
    "a cancelled event": ({"event": event(status="CANCELLED")}, ScanResult.UNPAID),
    "nobody's": ({"seat": seat(status="AVAILABLE", owner=None)}, ScanResult.UNPAID),
    "held": ({"seat": seat(status="HELD", owner=None), "order_status": "PENDING"}, ScanResult.UNPAID),
    "never ordered": ({"order_status": None}, ScanResult.UNPAID),
    "refunded": ({"order_status": "REFUNDED"}, ScanResult.UNPAID),
    "somebody else's": ({"seat": seat(owner=STRANGER)}, ScanResult.NOT_OWNER),
    "on sale": ({"seat": seat(status="LISTED")}, ScanResult.EXPIRED),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_has_its_result(reason: str) -> None:
    changes, result = REASONS[reason]
    assert refusal_of(scan_context(**changes)) == result


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"seat": None, "age": TTL, "place": place("HALL-B"), "order_status": None}, ScanResult.NOT_FOUND),
        ({"age": TTL, "place": place("HALL-B"), "order_status": None}, ScanResult.EXPIRED),
        ({"place": place("HALL-B"), "order_status": None, "seat": seat(owner=STRANGER)}, ScanResult.WRONG_HALL),
        ({"place": place("HALL-B", event_id=uuid.uuid4()), "event": event(ends_at=NOW)}, ScanResult.WRONG_HALL),
        ({"event": event(status="CANCELLED", ends_at=NOW)}, ScanResult.WRONG_EVENT),
        ({"order_status": "REFUNDED", "seat": seat(owner=STRANGER)}, ScanResult.UNPAID),
        ({"seat": seat(status="LISTED", owner=STRANGER)}, ScanResult.NOT_OWNER),
        ({"seat": seat(status="CHECKED_IN", owner=STRANGER)}, ScanResult.NOT_OWNER),
    ],
)
def test_first_matching_refusal_wins(changes: dict[str, Any], result: ScanResult) -> None:
    assert refusal_of(scan_context(**changes)) == result


@pytest.mark.parametrize("age", [timedelta(0), TTL - MILLISECOND, timedelta(seconds=-5)])
def test_code_is_valid_until_its_ttl(age: timedelta) -> None:
    assert refusal_of(scan_context(age=age)) is None


@pytest.mark.parametrize(
    ("outcome", "context", "message"),
    [
        (ScanOutcome(ScanResult.SUCCESS, NOW), scan_context(), "Admitted"),
        (
            ScanOutcome(ScanResult.DUPLICATE, NOW.replace(minute=14, second=3)),
            scan_context(),
            "Admitted before, at 04:14:03 Asia/Singapore (UTC+8)",
        ),
        (
            ScanOutcome(ScanResult.WRONG_HALL),
            scan_context(place=place("HALL-B")),
            "Wrong hall: this ticket is for HALL-A",
        ),
        (
            ScanOutcome(ScanResult.WRONG_HALL),
            scan_context(place=place(venue_id=uuid.uuid4())),
            "Wrong venue: this ticket is for Esplanade",
        ),
        (
            ScanOutcome(ScanResult.WRONG_EVENT),
            scan_context(place=place(event_id=uuid.uuid4())),
            "Wrong event: this ticket is for Jazz at the Bay",
        ),
        (
            ScanOutcome(ScanResult.WRONG_EVENT),
            scan_context(event=event(doors_open_at=NOW + HOUR)),
            "Too early: the doors of Jazz at the Bay open at 2027-03-02 05:00 Asia/Singapore (UTC+8)",
        ),
        (
            ScanOutcome(ScanResult.WRONG_EVENT),
            scan_context(event=event(ends_at=NOW)),
            "The event is over: Jazz at the Bay",
        ),
        (ScanOutcome(ScanResult.EXPIRED), scan_context(age=TTL), "The code is too old: open the ticket again"),
        (
            ScanOutcome(ScanResult.EXPIRED),
            scan_context(seat=seat(status="LISTED")),
            "The ticket is on sale: it has no valid code",
        ),
    ],
)
def test_message_explains_the_outcome(outcome: ScanOutcome, context: ScanContext, message: str) -> None:
    assert message_of(outcome, context) == message


@pytest.mark.parametrize("result", set(ScanResult) - {ScanResult.QR_INVALID})
def test_every_outcome_has_a_message(result: ScanResult) -> None:
    assert message_of(ScanOutcome(result), replace(scan_context(), event=None))
