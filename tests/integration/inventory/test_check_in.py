"""Check-in: who is admitted, and what is logged."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import TableRetention
from common.pages import COUNT_LIMIT
from inventory.repository.check_in import UNKNOWN_SCANS_RETENTION
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.broker_client import open_broker_client
from tests.integration.inventory.inventory_caller import (
    Hall,
    InventoryCaller,
    name_of,
    new_id,
    outcomes,
    refused,
    rows,
    scan_of,
)
from tests.integration.inventory.tables import locked_seat, waiting_for_locks, wrong_counts
from tests.support.waiting import eventually


def scans_total(result: str) -> float:
    return REGISTRY.get_sample_value("scans_total", {"result": result}) or 0.0


class TestCheckIn:
    async def test_admits_the_owner_and_logs_it(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        seat_id = hall.seat_ids[0]
        sale = await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
        scan, scan_id, before = scan_of(hall, seat_id, fan), new_id(), scans_total("SUCCESS")

        answer = await inventory_caller.check_in(scan, request_id=scan_id)

        assert name_of(answer) == "SUCCESS"
        seat = await inventory_caller.seat(seat_id)
        assert (seat.status, seat.owner_user_id, seat.order_id) == (pb.CHECKED_IN, fan, sale.hold_id)
        scans = await inventory_caller.scans(hall.event_id)
        scan.scanned_at = "2030-01-02T12:14:03Z"
        logged = pb.LoggedScan(scan_id=scan_id, scan=scan, result=pb.SUCCESS, logged_at=answer.admitted_at)
        assert (list(scans.scans), scans.total) == ([logged], 1)
        assert datetime.now(UTC) - datetime.fromisoformat(answer.admitted_at) < timedelta(seconds=30)
        assert scans_total("SUCCESS") == before + 1
        assert (await inventory_caller.availability(hall.event_id))["CAT1"].sold == 1
        assert await wrong_counts(database, hall.event_id) == []

    async def test_used_ticket_is_a_duplicate_with_its_admission_time(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        first = await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))

        for _ in range(2):
            answer = await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))
            assert (name_of(answer), answer.admitted_at) == ("DUPLICATE", first.admitted_at)

    async def test_code_of_another_user_is_not_admitted(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        seat_id, buyer = hall.seat_ids[0], new_id()
        await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
        await inventory_caller.change_owner(seat_id, expected=fan, new=buyer)

        answers = [await inventory_caller.check_in(scan_of(hall, seat_id, user)) for user in (fan, buyer, fan)]

        # A former owner's code does not reveal whether the new owner is admitted.
        assert [name_of(answer) for answer in answers] == ["NOT_OWNER", "SUCCESS", "NOT_OWNER"]
        assert [bool(answer.admitted_at) for answer in answers] == [False, True, False]

    @pytest.mark.parametrize("state", ["free", "held", "blocked"])
    async def test_seat_without_an_owner_is_unpaid(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, state: str
    ) -> None:
        if state == "held":
            await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], user_id=fan)
        if state == "blocked":
            await inventory_caller.block(hall.event_id, hall.seat_ids[0])
        before = await inventory_caller.seat(hall.seat_ids[0])

        answer = await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))

        assert (name_of(answer), answer.admitted_at) == ("UNPAID", "")
        assert await inventory_caller.seat(hall.seat_ids[0]) == before

    async def test_listed_ticket_is_expired(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        await inventory_caller.list_for_resale(hall.seat_ids[0], fan)

        assert name_of(await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))) == "EXPIRED"
        assert await inventory_caller.status(hall.seat_ids[0]) == "LISTED"

    async def test_seat_of_another_event_is_not_found(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        elsewhere = await inventory_caller.provision()

        for scan in (scan_of(hall, new_id(), fan), scan_of(elsewhere, hall.seat_ids[0], fan)):
            assert name_of(await inventory_caller.check_in(scan)) == "NOT_FOUND"
        assert await inventory_caller.status(hall.seat_ids[0]) == "SOLD"
        assert (await inventory_caller.scans(elsewhere.event_id)).total == 1

    async def test_twice_is_once(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        scan, scan_id = scan_of(hall, hall.seat_ids[0], fan), new_id()
        first = await inventory_caller.check_in(scan, request_id=scan_id)
        before = scans_total("SUCCESS")

        assert await inventory_caller.check_in(scan, request_id=scan_id) == first
        scan.hall_expected = "HALL-B"  # what the service looked up is no part of the request
        assert await inventory_caller.check_in(scan, request_id=scan_id) == first

        assert (await inventory_caller.scans(hall.event_id)).total == 1
        assert scans_total("SUCCESS") == before
        other = scan_of(hall, hall.seat_ids[1], fan)
        assert (await refused(inventory_caller.check_in(other, request_id=scan_id))).code == "IDEMPOTENCY_KEY_REUSED"

    async def test_unpaid_scan_stays_unpaid_but_a_new_scan_is_admitted(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        scan, scan_id = scan_of(hall, hall.seat_ids[0], fan), new_id()
        await inventory_caller.check_in(scan, request_id=scan_id)
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)

        assert name_of(await inventory_caller.check_in(scan, request_id=scan_id)) == "UNPAID"
        assert name_of(await inventory_caller.check_in(scan)) == "SUCCESS"

    @pytest.mark.parametrize("field", ["staff_user_id", "hall_presented", "seat_id", "event_id", "ticket_user_id"])
    async def test_missing_scan_field_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, field: str
    ) -> None:
        scan = scan_of(hall, hall.seat_ids[0], fan)
        scan.ClearField(field)  # type: ignore[arg-type]  # one of its own
        assert (await refused(inventory_caller.check_in(scan))).kind == "invalid_request"

    @pytest.mark.parametrize("scanned_at", ["yesterday", "2030-01-02T20:14:03", "0001-01-01T00:00:00+14:00"])
    async def test_malformed_scan_time_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, scanned_at: str
    ) -> None:
        scan = scan_of(hall, hall.seat_ids[0], fan)
        scan.scanned_at = scanned_at
        assert (await refused(inventory_caller.check_in(scan))).code == "VALIDATION_ERROR"

    async def test_is_seen_on_live_seat_maps(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, rabbitmq_url: str
    ) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        async with open_broker_client(rabbitmq_url) as broker:
            await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))
            await eventually(
                lambda: (
                    [{"seat_id": hall.seat_ids[0], "status": "CHECKED_IN"}]
                    in [hint["seats"] for hint in broker.received_data("seat.changed", hall.event_id)]
                )
            )


class TestManyScannersAtOnce:
    async def test_one_scanner_admits_and_all_are_logged(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        for seat_id in hall.seat_ids[:5]:
            await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)

            answers, refusals = await outcomes(
                [inventory_caller.check_in(scan_of(hall, seat_id, fan)) for _ in range(20)]
            )

            assert refusals == []
            assert sorted(name_of(answer) for answer in answers) == ["DUPLICATE"] * 19 + ["SUCCESS"]
            assert len({answer.admitted_at for answer in answers}) == 1  # all of them have the admission time
        stats = await inventory_caller.entry_stats(hall.event_id)
        assert stats.checked_in == 5
        assert {pb.ScanResult.Name(count.result): count.scans for count in stats.result_counts} == {
            "SUCCESS": 5,
            "DUPLICATE": 95,
        }

    async def test_concurrent_repetitions_of_one_scan_are_logged_once(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        scan, scan_id = scan_of(hall, hall.seat_ids[0], fan), new_id()

        answers, refusals = await outcomes([inventory_caller.check_in(scan, request_id=scan_id) for _ in range(20)])

        assert refusals == []
        assert all(answer == answers[0] and name_of(answer) == "SUCCESS" for answer in answers)
        assert (await inventory_caller.scans(hall.event_id)).total == 1

    async def test_concurrent_scans_decide_on_the_committed_row(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        """Both start before either has decided: their snapshots show an unused ticket."""
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        async with locked_seat(database, hall.seat_ids[0]):
            scans = [
                asyncio.create_task(inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))) for _ in range(2)
            ]
            await eventually(lambda: waiting_for_locks(database, 2))

        answers = [await scan for scan in scans]

        assert sorted(name_of(answer) for answer in answers) == ["DUPLICATE", "SUCCESS"]
        assert answers[0].admitted_at == answers[1].admitted_at


class TestLogScan:
    async def test_logs_a_decision_of_the_orchestrator(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        scan = scan_of(hall, hall.seat_ids[0], fan)
        scan.hall_presented = "HALL-B"

        for _ in range(2):
            answer = await inventory_caller.log_scan(scan, pb.WRONG_HALL, request_id=hall.event_id)
            assert (name_of(answer), answer.admitted_at) == ("WRONG_HALL", "")

        (logged,) = (await inventory_caller.scans(hall.event_id)).scans
        assert (name_of(logged), logged.scan.hall_presented, logged.scan.hall_expected) == (
            "WRONG_HALL",
            "HALL-B",
            "HALL-A",
        )

    async def test_repeated_scan_returns_its_first_result(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        """The scanner lost the response and repeats the scan after the code has expired or the seat is used."""
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        scan, scan_id = scan_of(hall, hall.seat_ids[0], fan), new_id()
        admitted = await inventory_caller.check_in(scan, request_id=scan_id)

        for result in (pb.DUPLICATE, pb.EXPIRED):
            answer = await inventory_caller.log_scan(scan, result, request_id=scan_id)
            assert (name_of(answer), answer.admitted_at) == ("SUCCESS", admitted.admitted_at)
        assert (await inventory_caller.scans(hall.event_id)).total == 1

    async def test_logged_scan_cannot_be_checked_in_later(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        scan, scan_id = scan_of(hall, hall.seat_ids[0], fan), new_id()
        await inventory_caller.log_scan(scan, pb.WRONG_HALL, request_id=scan_id)

        assert name_of(await inventory_caller.check_in(scan, request_id=scan_id)) == "WRONG_HALL"
        assert await inventory_caller.status(hall.seat_ids[0]) == "SOLD"

    @pytest.mark.parametrize("result", [pb.SCAN_RESULT_UNSPECIFIED, pb.SUCCESS, pb.UNDONE, 99])
    async def test_success_and_undo_cannot_be_logged(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, result: pb.ScanResult.ValueType
    ) -> None:
        refusal = await refused(inventory_caller.log_scan(scan_of(hall, hall.seat_ids[0], fan), result))
        assert refusal.code == "VALIDATION_ERROR"


class TestScans:
    async def test_are_newest_first_in_pages(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        for seat_id in hall.seat_ids[:5]:
            await inventory_caller.check_in(scan_of(hall, seat_id, fan))

        pages = [await inventory_caller.scans(hall.event_id, offset=offset, limit=2) for offset in (0, 2, 4, 6)]

        assert [logged.scan.seat_id for page in pages for logged in page.scans] == hall.seat_ids[:5][::-1]
        assert {page.total for page in pages} == {5}

    async def test_scans_without_an_event_are_listed_separately(
        self, inventory_caller: InventoryCaller, hall: Hall
    ) -> None:
        scan = pb.Scan(staff_user_id=new_id(), hall_presented="HALL-A")
        before = (await inventory_caller.scans("")).total
        await inventory_caller.log_scan(scan, pb.QR_INVALID, request_id=(scan_id := new_id()))

        scans = await inventory_caller.scans("", limit=1)

        (logged,) = scans.scans
        assert (logged.scan_id, logged.scan, name_of(logged)) == (scan_id, scan, "QR_INVALID")
        assert scans.total == before + 1
        assert (await inventory_caller.scans(hall.event_id)).total == 0

    async def test_old_scans_of_an_event_are_kept_and_others_are_deleted(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        await inventory_caller.log_scan(scan_of(hall, hall.seat_ids[0], fan), pb.EXPIRED)
        unknown = pb.Scan(staff_user_id=new_id(), hall_presented="HALL-A")
        await inventory_caller.log_scan(unknown, pb.QR_INVALID, request_id=(scan_id := new_id()))
        await database.execute(text("UPDATE entry_logs SET logged_at = logged_at - interval '366 days'"))

        await TableRetention(database, UNKNOWN_SCANS_RETENTION).delete_old()

        assert (await inventory_caller.scans(hall.event_id)).total == 1
        assert scan_id not in {logged.scan_id for logged in (await inventory_caller.scans("")).scans}

    async def test_scans_without_an_event_are_not_counted_to_their_end(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        await database.execute(
            text(
                """
                INSERT INTO entry_logs (scan_id, staff_user_id, hall_presented, result, logged_at)
                SELECT gen_random_uuid(), gen_random_uuid(), 'HALL-A', 'QR_INVALID', now()
                FROM generate_series(1, :rows)
                """
            ),
            {"rows": COUNT_LIMIT + 1},
        )
        assert (await inventory_caller.scans("", limit=1)).total == COUNT_LIMIT
        await database.execute(text("DELETE FROM entry_logs WHERE event_id IS NULL"))

    @pytest.mark.parametrize("scanned_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
    async def test_time_of_a_scanner_without_a_clock_does_not_break_the_list(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, scanned_at: str
    ) -> None:
        scan = scan_of(hall, hall.seat_ids[0], fan)
        scan.scanned_at = scanned_at
        await inventory_caller.log_scan(scan, pb.EXPIRED)
        (logged,) = (await inventory_caller.scans(hall.event_id)).scans
        assert (name_of(logged), logged.scan.scanned_at) == ("EXPIRED", "")

    @pytest.mark.parametrize(("offset", "limit"), [(-1, 1), (0, -1), (0, 5_001)])
    async def test_parameters_are_bounded(self, inventory_caller: InventoryCaller, offset: int, limit: int) -> None:
        assert (await refused(inventory_caller.scans(new_id(), offset=offset, limit=limit))).code == "VALIDATION_ERROR"


class TestEntryStats:
    async def test_count_by_minute(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))
        for seat_id in hall.seat_ids[:3]:
            await inventory_caller.check_in(scan_of(hall, seat_id, fan))
        await self.log_earlier(database, hall, minutes=1, result="UNPAID")
        await self.log_earlier(database, hall, minutes=4, result="UNPAID")

        stats = await inventory_caller.entry_stats(hall.event_id, minutes=3)

        assert stats.checked_in == 1
        assert {pb.ScanResult.Name(count.result): count.scans for count in stats.result_counts} == {
            "SUCCESS": 1,
            "DUPLICATE": 1,
            "UNPAID": 4,
        }
        assert sum(count.scans for count in stats.minute_counts) == 5
        assert sum(count.admitted for count in stats.minute_counts) == 1
        minutes = [datetime.fromisoformat(count.minute) for count in stats.minute_counts]
        assert minutes == sorted(set(minutes))
        assert {minute.second for minute in minutes} == {0}
        assert not (await inventory_caller.entry_stats(hall.event_id, minutes=0)).minute_counts

    async def log_earlier(self, database: Database, hall: Hall, *, minutes: int, result: str) -> None:
        statement = text(
            """
            INSERT INTO entry_logs (scan_id, event_id, staff_user_id, hall_presented, result, logged_at)
            VALUES (:scan_id, CAST(:event_id AS uuid), :scan_id, 'HALL-A', :result,
                now() - CAST(:minutes AS int) * interval '1 minute')
            """
        )
        parameters = {"scan_id": uuid.uuid4(), "event_id": hall.event_id, "minutes": minutes, "result": result}
        await database.execute(statement, parameters)

    async def test_event_without_scans_has_empty_statistics(self, inventory_caller: InventoryCaller) -> None:
        assert await inventory_caller.entry_stats(new_id()) == pb.GetEntryStatsResponse()

    @pytest.mark.parametrize("minutes", [-1, 1_441])
    async def test_parameters_are_bounded(self, inventory_caller: InventoryCaller, minutes: int) -> None:
        assert (await refused(inventory_caller.entry_stats(new_id(), minutes=minutes))).code == "VALIDATION_ERROR"


class TestAttendees:
    async def test_are_the_owners_in_hall_order(self, inventory_caller: InventoryCaller, fan: str) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=5), rows("CAT2", "90.00", B=5))
        chosen = [hall.seat_ids[number] for number in (8, 6, 5, 3, 1)]
        for seat_id in chosen:
            await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], user_id=fan)
        await inventory_caller.list_for_resale(chosen[0], fan)
        await inventory_caller.check_in(scan_of(hall, chosen[1], fan))

        attendees = await inventory_caller.attendees(hall.event_id)

        assert [seat.seat_id for seat in attendees.seats] == chosen[::-1]
        assert [pb.SeatStatus.Name(seat.status) for seat in attendees.seats] == [
            "SOLD", "SOLD", "SOLD", "CHECKED_IN", "LISTED",
        ]  # fmt: skip
        assert {seat.owner_user_id for seat in attendees.seats} == {fan}
        assert (attendees.total, attendees.next_page_token) == (5, "")

    async def test_come_in_pages(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        await inventory_caller.sell(hall.event_id, *hall.seat_ids[1::2])
        first = await inventory_caller.attendees(hall.event_id, page_size=2)
        second = await inventory_caller.attendees(hall.event_id, page_size=2, page_token=first.next_page_token)
        third = await inventory_caller.attendees(hall.event_id, page_size=2, page_token=second.next_page_token)
        behind = await inventory_caller.attendees(hall.event_id, page_size=2, offset=3)

        published = [seat.seat_id for page in (first, second, third) for seat in page.seats]
        assert published == hall.seat_ids[1::2]
        assert third.next_page_token == behind.next_page_token == ""
        assert [seat.seat_id for seat in behind.seats] == hall.seat_ids[7::2]
        assert {page.total for page in (first, second, third, behind)} == {5}

    async def test_unknown_event_has_no_attendees(self, inventory_caller: InventoryCaller) -> None:
        assert await inventory_caller.attendees(new_id()) == pb.ListAttendeesResponse()

    @pytest.mark.parametrize(("token", "offset", "size"), [("x", 0, 1), ("", -1, 1), ("", 0, -1), ("", 0, 5_001)])
    async def test_parameters_are_bounded(
        self, inventory_caller: InventoryCaller, token: str, offset: int, size: int
    ) -> None:
        page = inventory_caller.attendees(new_id(), page_token=token, offset=offset, page_size=size)
        assert (await refused(page)).code == "VALIDATION_ERROR"
