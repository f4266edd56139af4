"""The undo of a check-in: which admission it withdraws, and what is logged."""

import asyncio

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


class TestUndo:
    @pytest.fixture
    async def seat_id(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> str:
        """A seat whose owner is inside."""
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        assert name_of(await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))) == "SUCCESS"
        return hall.seat_ids[0]

    async def log_of(self, inventory_caller: InventoryCaller, hall: Hall) -> list[str]:
        """Return the results in the log, oldest first."""
        return [name_of(logged) for logged in (await inventory_caller.scans(hall.event_id)).scans][::-1]

    async def test_ticket_is_sold_again_and_the_undo_is_logged(
        self, *, inventory_caller: InventoryCaller, hall: Hall, fan: str, seat_id: str, database: Database
    ) -> None:
        before, request_id, staff = await inventory_caller.seat(seat_id), new_id(), new_id()
        undone_before = REGISTRY.get_sample_value("check_ins_undone_total") or 0.0

        answer = await inventory_caller.undo_check_in(hall, seat_id, request_id=request_id, staff_user_id=staff)

        seat = await inventory_caller.seat(seat_id)
        before.status = pb.SOLD
        assert seat == before
        logged = (await inventory_caller.scans(hall.event_id)).scans[0]
        scan = pb.Scan(
            staff_user_id=staff,
            hall_presented="HALL-A",
            seat_id=seat_id,
            event_id=hall.event_id,
            ticket_user_id=fan,
            hall_expected="HALL-A",
        )
        assert logged == pb.LoggedScan(
            scan_id=request_id, scan=scan, result=pb.UNDONE, logged_at=answer.undone_at, reason="a mistake"
        )
        assert (await inventory_caller.entry_stats(hall.event_id)).checked_in == 0
        assert REGISTRY.get_sample_value("check_ins_undone_total") == undone_before + 1
        assert await wrong_counts(database, hall.event_id) == []

    async def test_undo_is_broadcast_to_watchers_of_the_seat_map(
        self, inventory_caller: InventoryCaller, hall: Hall, seat_id: str, rabbitmq_url: str
    ) -> None:
        async with open_broker_client(rabbitmq_url) as broker:
            await inventory_caller.undo_check_in(hall, seat_id)
            await eventually(
                lambda: (
                    [{"seat_id": seat_id, "status": "SOLD"}]
                    in [hint["seats"] for hint in broker.received_data("seat.changed", hall.event_id)]
                )
            )

    async def test_undone_ticket_can_be_transferred_and_admitted(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, seat_id: str
    ) -> None:
        buyer = new_id()
        assert (
            await refused(inventory_caller.change_owner(seat_id, expected=fan, new=buyer))
        ).code == "SEAT_UNAVAILABLE"
        await inventory_caller.undo_check_in(hall, seat_id)
        await inventory_caller.change_owner(seat_id, expected=fan, new=buyer)
        answers = [await inventory_caller.check_in(scan_of(hall, seat_id, user)) for user in (fan, buyer)]
        assert [name_of(answer) for answer in answers] == ["NOT_OWNER", "SUCCESS"]

    async def test_repeated_undo_returns_the_first_answer(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, seat_id: str
    ) -> None:
        """The ticket was admitted again meanwhile, and the event has another hall and is over."""
        request_id, staff = new_id(), new_id()
        first = await inventory_caller.undo_check_in(hall, seat_id, request_id=request_id, staff_user_id=staff)
        await inventory_caller.check_in(scan_of(hall, seat_id, fan))

        again = await inventory_caller.undo_check_in(
            hall,
            seat_id,
            request_id=request_id,
            staff_user_id=staff,
            hall_expected="HALL-B",
            ends_at="2020-01-01T00:00:00Z",
        )

        assert again == first
        assert await inventory_caller.status(seat_id) == "CHECKED_IN"
        assert await self.log_of(inventory_caller, hall) == ["SUCCESS", "UNDONE", "SUCCESS"]

    async def test_repeated_scan_does_not_admit_after_the_undo(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        seat_id, scan_id = hall.seat_ids[1], new_id()
        await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
        scan = scan_of(hall, seat_id, fan)
        await inventory_caller.check_in(scan, request_id=scan_id)
        await inventory_caller.undo_check_in(hall, seat_id)
        for status in ("SOLD", "CHECKED_IN"):
            for repeated in (
                await inventory_caller.check_in(scan, request_id=scan_id),
                await inventory_caller.log_scan(scan, pb.EXPIRED, request_id=scan_id),
            ):
                assert (name_of(repeated), repeated.admitted_at) == ("UNDONE", "")
            assert await inventory_caller.status(seat_id) == status
            if status == "SOLD":
                assert (
                    name_of(await inventory_caller.check_in(scan)) == "SUCCESS"
                )  # the other admission is not this scan's
        assert await self.log_of(inventory_caller, hall) == ["SUCCESS", "UNDONE", "SUCCESS"]

    async def test_refused_undo_stays_refused(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        seat_id, request_id, staff = hall.seat_ids[0], new_id(), new_id()
        await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
        for _ in range(2):
            undo = inventory_caller.undo_check_in(hall, seat_id, request_id=request_id, staff_user_id=staff)
            assert (await refused(undo)).code == "ORDER_INVALID_STATE"
            await inventory_caller.check_in(scan_of(hall, seat_id, fan))
        assert await inventory_caller.status(seat_id) == "CHECKED_IN"

    async def test_undo_names_one_admission(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, seat_id: str
    ) -> None:
        [first] = (await inventory_caller.scans(hall.event_id)).scans
        await inventory_caller.undo_check_in(hall, seat_id, scan_id=first.scan_id)
        await inventory_caller.check_in(scan_of(hall, seat_id, fan), request_id=(second := new_id()))

        for scan_id in (first.scan_id, new_id()):
            undo = inventory_caller.undo_check_in(hall, seat_id, scan_id=scan_id)
            assert (await refused(undo)).code == "ORDER_INVALID_STATE"
        assert await inventory_caller.status(seat_id) == "CHECKED_IN"
        await inventory_caller.undo_check_in(hall, seat_id, scan_id=second)
        assert await inventory_caller.status(seat_id) == "SOLD"

    async def test_undo_of_a_ticket_that_was_taken_back_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, seat_id: str
    ) -> None:
        await inventory_caller.reclaim(inventory_caller.order_of(seat_id), fan, is_forced=True)
        assert (await refused(inventory_caller.undo_check_in(hall, seat_id))).code == "ORDER_INVALID_STATE"
        assert await inventory_caller.status(seat_id) == "AVAILABLE"

    async def test_undo_after_the_end_or_of_another_event_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, seat_id: str
    ) -> None:
        ended = inventory_caller.undo_check_in(hall, seat_id, ends_at="2020-01-01T00:00:00Z")
        elsewhere = inventory_caller.undo_check_in(await inventory_caller.provision(), seat_id)
        assert [(await refused(undo)).code for undo in (ended, elsewhere)] == ["EVENT_ENDED", "SEAT_NOT_FOUND"]
        assert await inventory_caller.status(seat_id) == "CHECKED_IN"

    async def test_undo_and_scans_at_once_are_logged_in_turns(
        self, *, inventory_caller: InventoryCaller, hall: Hall, fan: str, seat_id: str, database: Database
    ) -> None:
        """All of them start before any has decided."""
        async with locked_seat(database, seat_id):
            undos = [asyncio.create_task(inventory_caller.undo_check_in(hall, seat_id)) for _ in range(3)]
            scans = [asyncio.create_task(inventory_caller.check_in(scan_of(hall, seat_id, fan))) for _ in range(3)]
            await eventually(lambda: waiting_for_locks(database, 6))

        _, refusals = await outcomes(undos)
        results = [name_of(await scan) for scan in scans]

        undone = 3 - len(refusals)
        assert {refusal.code for refusal in refusals} <= {"ORDER_INVALID_STATE"}
        assert 1 <= undone == results.count("SUCCESS") + (await inventory_caller.status(seat_id) == "SOLD")
        turns = [result for result in await self.log_of(inventory_caller, hall) if result != "DUPLICATE"]
        assert turns == [("SUCCESS", "UNDONE")[number % 2] for number in range(len(turns))]
        assert len(turns) == 1 + undone + results.count("SUCCESS")

    @pytest.mark.parametrize("change", [{"reason": ""}, {"reason": "r" * 501}, {"ends_at": ""}, {"scan_id": "5"}])
    async def test_malformed(self, inventory_caller: InventoryCaller, hall: Hall, change: dict[str, str]) -> None:
        assert (
            await refused(inventory_caller.undo_check_in(hall, hall.seat_ids[0], **change))
        ).kind == "invalid_request"


async def test_checked_in_counts_the_seats_inside(inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
    """A ticket that an admin took back, a resold one and an undone one were admitted, and no fan is inside with them."""
    taken_back, undone, inside = hall.seat_ids[:3]
    for seat_id in (taken_back, undone, inside):
        await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
        await inventory_caller.check_in(scan_of(hall, seat_id, fan))
    await inventory_caller.reclaim(inventory_caller.order_of(taken_back), fan, is_forced=True)
    await inventory_caller.undo_check_in(hall, undone)

    stats = await inventory_caller.entry_stats(hall.event_id)

    assert stats.checked_in == 1
    assert {pb.ScanResult.Name(count.result): count.scans for count in stats.result_counts} == {
        "SUCCESS": 3,
        "UNDONE": 1,
    }
    assert sum(count.scans for count in stats.minute_counts) == 3
