"""Deliberate bugs in holding, selling, releasing and checking in seats."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

HOLDS: Final = "tests/integration/inventory/test_holds.py"
OWNER_CHANGES: Final = "tests/integration/orders/test_owner_changes.py"
SEAT_REFUNDS: Final = "tests/integration/orders/test_seat_refunds.py"
EXPIRY: Final = "tests/integration/inventory/test_expiry.py"
CHECK_IN: Final = "tests/integration/inventory/test_check_in.py"
UNDO: Final = "tests/integration/inventory/test_check_in_undo.py"
RACES: Final = "tests/integration/inventory/test_races.py"
QR: Final = "tests/unit/orchestrator/test_qr_code.py"
RULES: Final = "tests/unit/orchestrator/test_check_in_rules.py"
MEETING: Final = "a hold expires within 50 ms of its payment"

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
        breaks=("messages arrive twice and in any order",),
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
        breaks=(MEETING,),
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
        breaks=("the broker is down for long",),
    ),
    Mutation(
        name="held seats can be held again",
        file="inventory/repository/fragments.py",
        before="""    (status = 'AVAILABLE' OR (status = 'HELD' AND held_until <= (SELECT clock_timestamp())))\n""",
        after="    status IN ('AVAILABLE', 'HELD')\n",
        caught_by=(f"{RACES}::test_fifty_buyers_for_one_seat",),
        breaks=("a seat has one owner or one live hold",),
    ),
    Mutation(
        name="freed seats are counted as no longer sold",
        file="inventory/repository/fragments.py",
        before="        SELECT event_id, category, count(*), -count(*), 0, 0 FROM freed GROUP BY event_id, category)\n",
        after="        SELECT event_id, category, count(*), 0, -count(*), 0 FROM freed GROUP BY event_id, category)\n",
        caught_by=("tests/integration/inventory/test_halls.py::TestAvailability::test_counts_follow_every_change",),
        breaks=("available + held + sold + blocked is the capacity",),
    ),
    Mutation(
        name="an expiry message frees seats that are being sold (no lock)",
        file="inventory/repository/expiry.py",
        before="        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' ORDER BY seat_id FOR UPDATE),\n    locked",
        after="        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' ORDER BY seat_id),\n    locked",
        caught_by=(f"{RACES}::test_sale_locked_in_time_succeeds_even_if_committed_late",),
        breaks=(MEETING,),
    ),
    Mutation(
        name="a used ticket is admitted again",
        file="inventory/repository/check_in.py",
        before="                WHEN status = 'CHECKED_IN' THEN 'DUPLICATE'\n",
        after="",
        caught_by=(f"{CHECK_IN}::TestCheckIn::test_used_ticket_is_a_duplicate_with_its_admission_time",),
        breaks=("a code used again: one admission per ticket",),
    ),
    Mutation(
        name="an earlier scan is not checked under the lock",
        file="inventory/repository/check_in.py",
        before="            AND NOT EXISTS (SELECT FROM prior)\n        FOR UPDATE),\n    decision AS MATERIALIZED (\n        SELECT CASE",
        after="            AND NOT EXISTS (SELECT FROM prior)),\n    decision AS MATERIALIZED (\n        SELECT CASE",
        caught_by=(f"{CHECK_IN}::TestManyScannersAtOnce::test_concurrent_scans_decide_on_the_committed_row",),
        breaks=("a code used again: one admission per ticket", "a QR code admits once"),
    ),
    Mutation(
        name="a former owner is admitted",
        file="inventory/repository/check_in.py",
        before="                WHEN owner_user_id <> CAST(:ticket_user_id AS uuid) THEN 'NOT_OWNER'\n",
        after="                WHEN CAST(:ticket_user_id AS uuid) IS NULL THEN 'NOT_OWNER'\n",
        caught_by=(f"{CHECK_IN}::TestCheckIn::test_code_of_another_user_is_not_admitted",),
        breaks=("a code shown by a former owner: the current owner only",),
    ),
    Mutation(
        name="expired QR codes are admitted (no age check)",
        file="orchestrator/features/check_in/service/rules.py",
        before="    (_is_outside_lifetime, ScanResult.EXPIRED),\n",
        after="",
        caught_by=(f"{RULES}::test_each_reason_has_its_result",),
        breaks=("a picture of a code: a code is valid for 60 s",),
    ),
    Mutation(
        name="the content of a QR code is not authenticated",
        file="orchestrator/features/tickets/adapters/qr_code.py",
        before="            plain = cipher.decrypt(nonce, raw[KEY_ID_BYTES + NONCE_BYTES :], key_id)\n",
        after="""            sealed = raw[KEY_ID_BYTES + NONCE_BYTES : -16]
            keystream = cipher.encrypt(nonce, bytes(len(sealed)), None)
            plain = bytes(one ^ other for one, other in zip(sealed, keystream))
""",
        caught_by=(f"{QR}::test_every_flipped_byte_is_detected",),
        breaks=("a forged or modified code: AES-256-GCM",),
    ),
    Mutation(
        name="the key's id in a QR code is not authenticated",
        file="orchestrator/features/tickets/adapters/qr_code.py",
        before="        self._ciphers = {key_id: AESGCM(key) for key_id, key in pairs}\n",
        after="""        class WithoutKeyId(str):
            def encrypt(self, nonce, plain, _):
                return AESGCM(bytes.fromhex(self)).encrypt(nonce, plain, None)

            def decrypt(self, nonce, sealed, _):
                return AESGCM(bytes.fromhex(self)).decrypt(nonce, sealed, None)

        self._ciphers = {key_id: WithoutKeyId(key.hex()) for key_id, key in pairs}
""",
        caught_by=(f"{QR}::test_swapped_key_id_is_refused",),
        breaks=("a code with another key's id: the key's id is authenticated too",),
    ),
    Mutation(
        name="codes are issued under the oldest key",
        file="orchestrator/features/tickets/adapters/qr_code.py",
        before="        self._active_key_id = pairs[0][0]\n",
        after="        self._active_key_id = pairs[-1][0]\n",
        caught_by=(f"{QR}::test_first_key_encodes",),
        breaks=("QR keys are rotated",),
    ),
    Mutation(
        name="a disputed ticket changes owner",
        file="orders/shared/seat_exclusivity.py",
        before="              AND NOT is_disputed(seat_id, order_id)\n",
        after="",
        caught_by=(
            f"{OWNER_CHANGES}::TestExclusion::test_disputed_ticket_does_not_change_owner",
            "tests/contracts/test_disputes.py::test_dispute_while_the_ticket_is_passed_on",
        ),
        breaks=(
            "a ticket passed on to escape a dispute: a disputed ticket does not change owner",
            "a ticket is disputed or changes owner, never both",
        ),
    ),
    Mutation(
        name="a ticket that changes owner is disputed",
        file="orders/transfers/statements.py",
        before="        AND NOT is_passed_on(transfers.seat_id, transfers.order_id, transfers.completed_at)\n",
        after="",
        caught_by=(f"{OWNER_CHANGES}::TestExclusion::test_ticket_that_changes_owner_is_not_disputed",),
        breaks=(
            "a ticket disputed after it was sold on: a change of owner is noted before it is made, and excludes disputes",
        ),
    ),
    Mutation(
        name="a seat is refunded twice",
        file="orders/ticket_orders/statements.py",
        before="        WHERE order_id = :order_id AND seat_id = ANY(:seat_ids) AND kind IS NULL\n",
        after="        WHERE order_id = :order_id AND seat_id = ANY(:seat_ids)\n",
        caught_by=(
            f"{SEAT_REFUNDS}::TestSeats::test_seat_is_refunded_once",
            f"{SEAT_REFUNDS}::TestRaces::test_overlapping_refunds_have_one_winner",
        ),
        breaks=("each seat of an order is refunded once",),
    ),
    Mutation(
        name="a refund of seats reclaims the whole order",
        file="inventory/repository/seats.py",
        before="""AND (cardinality(CAST(:seat_ids AS uuid[])) = 0 OR seat_id = ANY(CAST(:seat_ids AS uuid[])))
        ORDER BY seat_id FOR UPDATE),
    verdict AS MATERIALIZED (
        SELECT count(*) > 0 AND cardinality(CAST(:seat_ids AS uuid[])) IN (0, count(*)) AND CASE
""",
        after="""AND CAST(:seat_ids AS uuid[]) IS NOT NULL
        ORDER BY seat_id FOR UPDATE),
    verdict AS MATERIALIZED (
        SELECT count(*) > 0 AND CASE
""",
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
        breaks=("a ticket used at another time: not before the doors open",),
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
        breaks=("a ticket used at another time: not after the event's end",),
    ),
    Mutation(
        name="a hall of the same name in another venue admits (no venue check)",
        file="orchestrator/features/check_in/service/rules.py",
        before="not is_same_text(event.hall_id, place.hall_id) or place.venue_id not in {None, event.venue_id}",
        after="not is_same_text(event.hall_id, place.hall_id)",
        caught_by=(f"{RULES}::test_each_reason_has_its_result",),
        breaks=("a ticket of a hall of the same name in another venue: the scan's venue is compared with the event's",),
    ),
    Mutation(
        name="a ticket is admitted in another hall",
        file="orchestrator/features/check_in/service/rules.py",
        before="    (_is_for_another_hall, ScanResult.WRONG_HALL),\n",
        after="",
        caught_by=(f"{RULES}::test_each_reason_has_its_result[another hall]",),
        breaks=("a ticket of another event: the scan's hall and event are compared with the ticket's",),
    ),
    Mutation(
        name="a ticket is admitted to another event in its hall",
        file="orchestrator/features/check_in/service/rules.py",
        before="    (_is_for_another_event, ScanResult.WRONG_EVENT),\n",
        after="",
        caught_by=(f"{RULES}::test_each_reason_has_its_result[another event]",),
        breaks=("a ticket of another event: the scan's hall and event are compared with the ticket's",),
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
        name="undos and scans at once see no change of each other (no lock)",
        file="inventory/repository/check_in.py",
        before="            AND NOT EXISTS (SELECT FROM prior)\n        FOR UPDATE),\n    decision AS MATERIALIZED (\n        SELECT owner",
        after="            AND NOT EXISTS (SELECT FROM prior)),\n    decision AS MATERIALIZED (\n        SELECT owner",
        caught_by=(f"{UNDO}::TestUndo::test_undo_and_scans_at_once_are_logged_in_turns",),
        breaks=("an admission is undone while the ticket is scanned",),
    ),
    Mutation(
        name="an admission is undone after the event's end",
        file="inventory/repository/check_in.py",
        before="        WHERE status = 'CHECKED_IN' AND clock_timestamp() < CAST(:ends_at AS timestamptz)\n",
        after="        WHERE status = 'CHECKED_IN' AND CAST(:ends_at AS timestamptz) IS NOT NULL\n",
        caught_by=(f"{UNDO}::TestUndo::test_undo_after_the_end_or_of_another_event_is_refused",),
        breaks=("staff let friends in and undo it: an undo is possible until the event's end only",),
    ),
    Mutation(
        name="an undo is not logged",
        file="inventory/repository/check_in.py",
        before="            'UNDONE', at, CAST(:reason AS text)\n        FROM decision),",
        after="            'UNDONE', at, CAST(:reason AS text)\n        FROM decision WHERE false),",
        caught_by=(f"{UNDO}::TestUndo::test_ticket_is_sold_again_and_the_undo_is_logged",),
        breaks=("staff let friends in and undo it: every undo is logged with its author and reason",),
    ),
    Mutation(
        name="fans may scan as often as staff",
        file="gateway/api.py",
        before="if route.is_scan and (principal.has_role(Role.STAFF) or principal.has_role(Role.ADMIN)):",
        after="if route.is_scan and Role.STAFF and Role.ADMIN:",
        caught_by=("tests/integration/gateway/test_limits.py::test_scans_of_fans_and_strangers_have_the_usual_limit",),
        breaks=("too many requests: the limit of scanners is for staff only",),
    ),
)
