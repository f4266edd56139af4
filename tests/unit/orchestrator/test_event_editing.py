"""What follows from a new date: withdrawn admissions, and until when fans may refund."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from orchestrator.clients.inventory.check_in import Attendee
from orchestrator.features.event_editing.saga import was_admitted_before
from orchestrator.features.event_editing.service import end_of_refunds

DOORS = datetime(2027, 3, 20, 18, tzinfo=UTC)
BEFORE = DOORS - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "updated_at", "is_withdrawn"),
    [
        ("CHECKED_IN", BEFORE, True),
        ("CHECKED_IN", None, True),
        ("CHECKED_IN", DOORS, False),
        ("SOLD", BEFORE, False),
        ("LISTED", BEFORE, False),
    ],
)
def test_admissions_before_the_new_doors_are_withdrawn(
    status: str, updated_at: datetime | None, *, is_withdrawn: bool
) -> None:
    attendee = Attendee(
        seat_id=uuid.uuid4(),
        category="CAT1",
        row_number="A",
        seat_number=1,
        status=status,
        user_id=uuid.uuid4(),
        price_paid=Decimal("10.00"),
        purchased_at=BEFORE,
        created_at=None,
        updated_at=updated_at,
    )
    assert was_admitted_before(DOORS, attendee) is is_withdrawn


def test_refunds_end_at_the_new_date_at_the_latest() -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    assert end_of_refunds(timedelta(days=14), soon) == soon


def test_without_a_window_no_end_of_refunds_is_named() -> None:
    assert end_of_refunds(timedelta(0), datetime.now(UTC) + timedelta(days=60)) is None
