"""What staff read about entry: scans, statistics and attendees."""

import uuid
from datetime import datetime

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import TableRetention
from common.pages import COUNT_LIMIT
from inventory.repository.check_in import UNKNOWN_SCANS_RETENTION
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.inventory_caller import (
    Hall,
    InventoryCaller,
    name_of,
    new_id,
    refused,
    rows,
    scan_of,
)


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
