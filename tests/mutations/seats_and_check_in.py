"""Deliberate bugs in holding, selling, releasing and checking in seats."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

HOLDS: Final = "tests/integration/inventory/test_holds.py"
EXPIRY: Final = "tests/integration/inventory/test_expiry.py"
CHECK_IN: Final = "tests/integration/inventory/test_check_in.py"
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
        before="""        SELECT seat_id, held_until FROM seats
        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' ORDER BY seat_id FOR UPDATE),
    locked AS MATERIALIZED (SELECT seat_id FROM held WHERE held_until <= clock_timestamp()),""",
        after="""        SELECT seat_id, held_until FROM seats
        WHERE CAST(:hold_id AS uuid) IS NOT NULL AND status = 'HELD' ORDER BY seat_id FOR UPDATE),
    locked AS MATERIALIZED (SELECT seat_id FROM held),""",
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
        before="            AND NOT EXISTS (SELECT FROM prior)\n        FOR UPDATE),\n    decision",
        after="            AND NOT EXISTS (SELECT FROM prior)),\n    decision",
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
)
