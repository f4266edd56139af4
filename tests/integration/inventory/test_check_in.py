"""Check-in: who is admitted, and what is logged."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from common.db.engine import Database
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.broker_client import open_broker_client
from tests.integration.inventory.inventory_caller import (
    Hall,
    InventoryCaller,
    name_of,
    new_id,
    outcomes,
    refused,
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
