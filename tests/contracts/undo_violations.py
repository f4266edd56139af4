"""Changes that violate the invariants of undone admissions."""

from collections.abc import Mapping
from typing import Final

from tests.contracts.violation import Violation

__all__ = ["UNDOS"]

UNDO_LOGGED: Final = (
    "INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, hall_presented, result, logged_at, reason)"
    " SELECT gen_random_uuid(), event_id, seat_id, owner_user_id, 'HALL-A', 'UNDONE', clock_timestamp(), 'a mistake'"
)

UNDOS: Final[Mapping[str, Violation]] = {
    "an undone ticket is still checked in": Violation(
        saga="admission",
        database="inventory",
        sql=UNDO_LOGGED + " FROM seats WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is CHECKED_IN, its admissions are ['SUCCESS', 'UNDONE']",),
    ),
    "an admission that never was is undone": Violation(
        saga="purchase",
        database="inventory",
        sql=UNDO_LOGGED + " FROM seats WHERE hold_id = $1",
        parameters=("order_id",),
        expected=("is SOLD, its admissions are ['UNDONE']",),
    ),
}
