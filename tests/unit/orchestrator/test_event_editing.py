"""Which admissions a new date withdraws."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from orchestrator.clients.inventory.check_in import Attendee
from orchestrator.features.event_editing.saga import was_admitted_before

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
