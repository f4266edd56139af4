"""Changes that violate the invariants of seats and admissions."""

from typing import Final

from tests.contracts.violation import Violation

UNDO_LOGGED: Final = (
    "INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, hall_presented, result, logged_at, reason)"
    " SELECT gen_random_uuid(), event_id, seat_id, owner_user_id, 'HALL-A', 'UNDONE', clock_timestamp(), 'a mistake'"
)

SEATS: Final = {
    "seat counts are wrong": Violation(
        saga="put on sale",
        database="inventory",
        sql="UPDATE seat_counts SET available = available - 1, sold = sold + 1 WHERE event_id = $1",
        parameters=("event_id",),
        expected=("the seat counts of CAT1 at event {event_id}",),
    ),
    "an event has too few seats": Violation(
        saga="put on sale",
        database="events",
        sql="UPDATE events SET total_seats = 8 WHERE event_id = $1",
        parameters=("event_id",),
        expected=("event {event_id} should have 8 seats and has 7",),
    ),
    "a checked-in ticket has no admission": Violation(
        saga="purchase",
        database="inventory",
        sql="UPDATE seats SET status = 'CHECKED_IN', admitted_at = now() WHERE hold_id = $1",
        parameters=("order_id",),
        expected=("is CHECKED_IN, its admissions are []",),
    ),
    "a ticket was admitted twice": Violation(
        saga="admission",
        database="inventory",
        sql="INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, hall_presented, result, logged_at)"
        " SELECT gen_random_uuid(), event_id, seat_id, staff_user_id, hall_presented, result, now()"
        " FROM entry_logs WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is CHECKED_IN, its admissions are ['SUCCESS', 'SUCCESS']",),
    ),
    "an admitted ticket is not checked in": Violation(
        saga="admission",
        database="inventory",
        sql="UPDATE seats SET status = 'SOLD', admitted_at = NULL WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is SOLD, its admissions are ['SUCCESS']",),
    ),
    "a former owner was admitted": Violation(
        saga="admission",
        database="inventory",
        sql="UPDATE seats SET purchased_at = clock_timestamp() WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is CHECKED_IN, its admissions are []",),
    ),
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
