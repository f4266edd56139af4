"""Deliberate bugs in holding, selling, releasing and checking in seats."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

HOLDS: Final = "tests/integration/inventory/test_holds.py"
OWNER_CHANGES: Final = "tests/integration/orders/test_owner_changes.py"
EXPIRY: Final = "tests/integration/inventory/test_expiry.py"
CHECK_IN: Final = "tests/integration/inventory/test_check_in.py"
UNDO: Final = "tests/integration/inventory/test_check_in_undo.py"
RULES: Final = "tests/unit/orchestrator/test_check_in_rules.py"

MUTATIONS: Final = (
    Mutation(
        name="reserving waits for a lock (no NOWAIT)",
        file="inventory/repository/holds.py",
        before="    ORDER BY seat_id FOR UPDATE NOWAIT\n",
        after="    ORDER BY seat_id FOR UPDATE\n",
        caught_by=(f"{HOLDS}::TestReserve::test_locked_seat_is_refused_at_once",),
    ),
    Mutation(
        name="an expiry message releases other holds (no hold id check)",
        file="inventory/repository/expiry.py",
        before="""        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' ORDER BY seat_id FOR UPDATE),
    locked AS MATERIALIZED (SELECT * FROM held WHERE held_until <= clock_timestamp()),""",
        after="""        WHERE CAST(:hold_id AS uuid) IS NOT NULL AND status = 'HELD' ORDER BY seat_id FOR UPDATE),
    locked AS MATERIALIZED (SELECT * FROM held),""",
        caught_by=(f"{EXPIRY}::TestMessage::test_of_an_old_hold_leaves_the_new_one_alone",),
    ),
    Mutation(
        name="another user's hold can be sold (no holder check)",
        file="inventory/repository/holds.py",
        before="count(*) = max(hold_size) AND bool_and(held_by_user_id = CAST(:user_id AS uuid))",
        after="count(*) = max(hold_size)",
        caught_by=(f"{HOLDS}::TestConfirm::test_hold_of_another_user_is_refused",),
    ),
    Mutation(
        name="a part of a hold can be sold (no size check)",
        file="inventory/repository/holds.py",
        before="SELECT count(*) = max(hold_size) AND bool_and(",
        after="SELECT bool_and(",
        caught_by=(f"{HOLDS}::TestConfirm::test_incomplete_hold_is_not_sold",),
    ),
    Mutation(
        name="an expired hold can be sold (no time check)",
        file="inventory/repository/holds.py",
        before="            AND min(held_until) > clock_timestamp()\n",
        after="",
        caught_by=(f"{HOLDS}::TestConfirm::test_expired_hold_is_refused",),
    ),
    Mutation(
        name="a part of the seats can be held (no completeness check)",
        file="inventory/repository/holds.py",
        before="SELECT count(*) = CAST(:quantity AS int) AS is_complete,",
        after="SELECT count(*) > 0 AND CAST(:quantity AS int) > 0 AS is_complete,",
        caught_by=(f"{HOLDS}::TestReserve::test_takes_all_seats_or_none",),
    ),
    Mutation(
        name="the sweeper releases no hold",
        file="inventory/expiry.py",
        before="        while expired := await self._holds.end_due_holds(batch=SWEPT_SEATS):",
        after="        while expired := await self._holds.end_due_holds(batch=0):",
        caught_by=(f"{EXPIRY}::TestSweeper::test_holds_without_a_message_expire",),
    ),
    Mutation(
        name="a used ticket is admitted again",
        file="inventory/repository/check_in.py",
        before="                WHEN status = 'CHECKED_IN' THEN 'DUPLICATE'\n",
        after="",
        caught_by=(f"{CHECK_IN}::TestCheckIn::test_used_ticket_is_a_duplicate_with_its_admission_time",),
    ),
    Mutation(
        name="an earlier scan is not checked under the lock",
        file="inventory/repository/check_in.py",
        before="            AND NOT EXISTS (SELECT FROM prior)\n        FOR UPDATE),\n    decision AS MATERIALIZED (\n        SELECT CASE",
        after="            AND NOT EXISTS (SELECT FROM prior)),\n    decision AS MATERIALIZED (\n        SELECT CASE",
        caught_by=(f"{CHECK_IN}::TestManyScannersAtOnce::test_concurrent_scans_decide_on_the_committed_row",),
    ),
    Mutation(
        name="expired QR codes are admitted (no age check)",
        file="orchestrator/features/check_in/service/rules.py",
        before="    (_is_outside_lifetime, ScanResult.EXPIRED),\n",
        after="",
        caught_by=("tests/unit/orchestrator/test_check_in_rules.py",),
    ),
    Mutation(
        name="a disputed ticket changes owner",
        file="orders/shared/seat_exclusivity.py",
        before="              AND NOT is_disputed(seat_id, order_id)\n",
        after="",
        caught_by=(
            f"{OWNER_CHANGES}::TestExclusion::test_disputed_ticket_does_not_change_owner",
            "tests/contracts/test_disputes.py",
        ),
    ),
    Mutation(
        name="a ticket that changes owner is disputed",
        file="orders/transfers/statements.py",
        before="        AND NOT is_passed_on(transfers.seat_id, transfers.order_id, transfers.completed_at)\n",
        after="",
        caught_by=(f"{OWNER_CHANGES}::TestExclusion::test_ticket_that_changes_owner_is_not_disputed",),
    ),
    Mutation(
        name="a seat is refunded twice",
        file="orders/ticket_orders/statements.py",
        before="        WHERE order_id = :order_id AND seat_id = ANY(:seat_ids) AND kind IS NULL\n",
        after="        WHERE order_id = :order_id AND seat_id = ANY(:seat_ids)\n",
        caught_by=("tests/integration/orders/test_seat_refunds.py::TestSeats::test_seat_is_refunded_once",),
    ),
    Mutation(
        name="a refund of seats reclaims the whole order",
        file="inventory/repository/seats.py",
        before="cardinality(CAST(:seat_ids AS uuid[])) = 0 OR seat_id = ANY(",
        after="true OR seat_id = ANY(",
        caught_by=(
            "tests/integration/inventory/test_reclaim.py::TestReclaimNamedSeats::test_frees_only_the_named_seats",
        ),
    ),
    Mutation(
        name="tickets are admitted before the doors open",
        file="orchestrator/features/check_in/service/rules.py",
        before="    (_is_too_early, ScanResult.WRONG_EVENT),  # the hall may have another event until then\n",
        after="",
        caught_by=(f"{RULES}::test_each_reason_has_its_result",),
    ),
    Mutation(
        name="tickets of an event without a doors time are too early",
        file="orchestrator/features/check_in/service/rules.py",
        before="    return event is not None and event.has_doors_time and context.seen_at < event.doors_open_at\n",
        after="    return event is not None and context.seen_at < event.doors_open_at\n",
        caught_by=(f"{RULES}::test_event_of_the_previous_release_is_not_too_early",),
    ),
    Mutation(
        name="tickets are admitted after the event's end",
        file="orchestrator/features/check_in/service/rules.py",
        before="    (_is_over, ScanResult.WRONG_EVENT),\n",
        after="",
        caught_by=(f"{RULES}::test_each_reason_has_its_result",),
    ),
    Mutation(
        name="a hall of the same name in another venue admits (no venue check)",
        file="orchestrator/features/check_in/service/rules.py",
        before="event.hall_id != place.hall_id or place.venue_id not in {None, event.venue_id}",
        after="event.hall_id != place.hall_id",
        caught_by=(f"{RULES}::test_each_reason_has_its_result",),
    ),
    Mutation(
        name="a scan that names its hall admits the tickets of every venue",
        file="orchestrator/features/check_in/service/check_in.py",
        before="        return replace(place, venue_id=await assigned_venue(self.clients, staff_user_id))\n",
        after="        return replace(place, venue_id=None) if await assigned_venue(self.clients, staff_user_id) else place\n",
        caught_by=("tests/e2e/test_check_in.py::TestVenue::test_scan_of_a_named_hall_keeps_to_the_assigned_venue",),
    ),
    Mutation(
        name="staff undo admissions of any hall",
        file="orchestrator/features/check_in/service/lookups.py",
        before="    if is_admin:\n        return place\n",
        after="    if is_admin or place:\n        return place\n",
        caught_by=("tests/e2e/test_check_in_undo.py::test_staff_undo_admissions_of_their_assigned_place_only",),
    ),
    Mutation(
        name="an undo withdraws a later admission (no scan check)",
        file="inventory/repository/check_in.py",
        before="            AND (CAST(:scan_id AS uuid) IS NULL OR admitted_at = (SELECT logged_at FROM admission))),",
        after="            AND (CAST(:scan_id AS uuid) IS NULL OR EXISTS (SELECT FROM admission))),",
        caught_by=(f"{UNDO}::TestUndo::test_undo_names_one_admission",),
    ),
    Mutation(
        name="a repeated scan admits after its admission was undone",
        file="inventory/repository/check_in.py",
        before='        if is_admission and change.result.admitted_at != attempt.row["admitted_at"]:\n',
        after="        if is_admission and change.result.admitted_at is None:\n",
        caught_by=(f"{UNDO}::TestUndo::test_repeated_scan_does_not_admit_after_the_undo",),
    ),
    Mutation(
        name="an admission is undone after the event's end",
        file="inventory/repository/check_in.py",
        before="        WHERE status = 'CHECKED_IN' AND clock_timestamp() < CAST(:ends_at AS timestamptz)\n",
        after="        WHERE status = 'CHECKED_IN' AND CAST(:ends_at AS timestamptz) IS NOT NULL\n",
        caught_by=(f"{UNDO}::TestUndo::test_undo_after_the_end_or_of_another_event_is_refused",),
    ),
    Mutation(
        name="an undo is not logged",
        file="inventory/repository/check_in.py",
        before="            'UNDONE', at, CAST(:reason AS text)\n        FROM decision),",
        after="            'UNDONE', at, CAST(:reason AS text)\n        FROM decision WHERE false),",
        caught_by=(f"{UNDO}::TestUndo::test_ticket_is_sold_again_and_the_undo_is_logged",),
    ),
    Mutation(
        name="fans may scan as often as staff",
        file="gateway/api.py",
        before="if route.is_scan and (principal.has_role(Role.STAFF) or principal.has_role(Role.ADMIN)):",
        after="if route.is_scan and Role.STAFF and Role.ADMIN:",
        caught_by=("tests/integration/gateway/test_limits.py::test_scans_of_fans_and_strangers_have_the_usual_limit",),
    ),
)
