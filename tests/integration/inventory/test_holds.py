"""Reserve, confirm, release: for one buyer at a time, with repeated, late and wrong requests."""

import asyncio
import time
from functools import partial

import pytest

from common.db.engine import Database
from common.errors import Conflict, Gone, InvalidRequest, NotFound, Unprocessable
from common.rpc.client import open_channel
from devstack.ports import free_port
from inventory.settings import Settings
from proto.inventory.v1.inventory_pb2_grpc import InventoryStub
from tests.integration.inventory.inventory_caller import InventoryCaller, new_id, new_ids, refused, rows
from tests.integration.inventory.running import running_inventory
from tests.integration.inventory.tables import locked_seat, remove_seat_from_hold, waiting_for_locks


class TestReserve:
    async def test_holds_the_seats_it_was_asked_for(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=5), rows("CAT2", "250.00", B=5))
        first, last = hall.seat_ids[0], hall.seat_ids[9]

        hold = await inventory_caller.reserve(hall.event_id, last, first)

        assert [(s.seat_id, s.category, s.row_number, s.seat_number, s.price) for s in hold.seats] == [
            (first, "CAT1", "A", 1, "350.00"),
            (last, "CAT2", "B", 5, "250.00"),
        ]
        assert await inventory_caller.statuses(first, last, hall.seat_ids[1]) == ["HELD", "HELD", "AVAILABLE"]
        counts = await inventory_caller.availability(hall.event_id)
        assert (counts["CAT1"].available, counts["CAT1"].held, counts["CAT1"].total) == (4, 1, 5)

    async def test_takes_all_seats_or_none(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[2])

        refusal = await refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:4]))

        assert isinstance(refusal, Conflict)
        assert (refusal.code, refusal.details) == ("SEAT_UNAVAILABLE", {"seat_ids": [hall.seat_ids[2]]})
        assert await inventory_caller.statuses(*hall.seat_ids[:4]) == ["AVAILABLE", "AVAILABLE", "HELD", "AVAILABLE"]

    async def test_sold_seat_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0])

        refusal = await refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2]))

        assert (refusal.code, refusal.details) == ("SEAT_ALREADY_SOLD", {"seat_ids": [hall.seat_ids[0]]})

    async def test_unknown_seats_are_refused(self, inventory_caller: InventoryCaller) -> None:
        hall, other = await inventory_caller.provision(), await inventory_caller.provision()
        unknown = new_id()

        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], unknown))
        assert isinstance(refusal, NotFound)
        assert (refusal.code, refusal.details) == ("SEAT_NOT_FOUND", {"seat_ids": [unknown]})

        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], other.seat_ids[0]))
        assert isinstance(refusal, InvalidRequest)
        assert (refusal.code, refusal.details) == ("VALIDATION_ERROR", {"seat_ids": [other.seat_ids[0]]})
        assert await inventory_caller.statuses(hall.seat_ids[0], other.seat_ids[0]) == ["AVAILABLE", "AVAILABLE"]

    async def test_one_to_ten_distinct_seats_are_allowed(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=11))

        for seat_ids in ([], hall.seat_ids, hall.seat_ids[:1] * 2):
            refusal = await refused(inventory_caller.reserve(hall.event_id, *seat_ids))
            assert refusal.code == "VALIDATION_ERROR"
        assert len((await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:10])).seats) == 10

    async def test_malformed_seat_id_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        refusal = await refused(inventory_caller.reserve(hall.event_id, "not-an-id"))
        assert (refusal.code, refusal.details) == ("INVALID_UUID", {"field": "seat_ids"})

    @pytest.mark.parametrize("ttl_milliseconds", [0, -1, 24 * 3600 * 1000 + 1])
    async def test_ttl_is_bounded(self, inventory_caller: InventoryCaller, ttl_milliseconds: int) -> None:
        hall = await inventory_caller.provision()
        refusal = await refused(
            inventory_caller.reserve(hall.event_id, hall.seat_ids[0], ttl_milliseconds=ttl_milliseconds)
        )
        assert refusal.code == "VALIDATION_ERROR"

    async def test_locked_seat_is_refused_at_once(self, inventory_caller: InventoryCaller, database: Database) -> None:
        hall = await inventory_caller.provision()
        ids = new_ids()
        async with locked_seat(database, hall.seat_ids[1]):
            asked = asyncio.create_task(refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], **ids)))
            while not asked.done():
                assert not await waiting_for_locks(database, 1)
            refusal = await asked
        assert (refusal.kind, refusal.code) == ("conflict", "SEAT_UNAVAILABLE")

        refusal = await refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], **ids))
        assert refusal.code == "SEAT_UNAVAILABLE"  # stored, though the seat is free again
        assert await inventory_caller.status(hall.seat_ids[0]) == "AVAILABLE"


class TestReserveAgain:
    async def test_own_held_seats_return_the_existing_hold(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        user_id = new_id()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=user_id)
        request_id, hold_id = new_id(), new_id()

        again = await inventory_caller.reserve(
            hall.event_id, *hall.seat_ids[:2], user_id=user_id, request_id=request_id, hold_id=hold_id
        )

        assert again == hold
        await inventory_caller.release(hold.hold_id)
        repeated = await inventory_caller.reserve(
            hall.event_id, *hall.seat_ids[:2], user_id=user_id, request_id=request_id, hold_id=hold_id
        )
        assert repeated == hold  # the response of that request, whatever has become of the hold

    async def test_subset_or_superset_of_a_hold_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        user_id = new_id()
        await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=user_id)

        for seat_ids in (hall.seat_ids[:1], hall.seat_ids[:3], hall.seat_ids[1:3]):
            refusal = await refused(inventory_caller.reserve(hall.event_id, *seat_ids, user_id=user_id))
            assert refusal.code == "SEAT_UNAVAILABLE"

    async def test_seats_of_two_holds_are_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        user_id = new_id()
        for seat_id in hall.seat_ids[:2]:
            await inventory_caller.reserve(hall.event_id, seat_id, user_id=user_id)

        refusal = await refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=user_id))
        assert refusal.code == "SEAT_UNAVAILABLE"

    async def test_own_and_foreign_held_seats_together_are_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        user_id = new_id()
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], hall.seat_ids[2], user_id=user_id)
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[1], hall.seat_ids[3])

        refusal = await refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=user_id))
        assert refusal.code == "SEAT_UNAVAILABLE"

    async def test_an_expired_hold_is_taken_over(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        expired = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], ttl_milliseconds=1)

        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[1], hall.seat_ids[2])

        assert await inventory_caller.statuses(*hall.seat_ids[:3]) == ["AVAILABLE", "HELD", "HELD"]
        assert (
            await inventory_caller.release(expired.hold_id) == 1
        )  # a seat without an owner; the hold no longer has the others
        assert (await inventory_caller.confirm(hold.hold_id, hold.user_id)).seat_ids
        counts = (await inventory_caller.availability(hall.event_id))["CAT1"]
        assert (counts.available, counts.held, counts.sold) == (8, 0, 2)


class TestRepeatedRequest:
    async def test_gives_the_same_hold(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        ids = new_ids()

        first = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], **ids)
        again = await inventory_caller.reserve(hall.event_id, *reversed(hall.seat_ids[:2]), **ids)

        assert again == first

    async def test_a_refused_id_stays_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        taken = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        ids = new_ids()
        before = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **ids))
        await inventory_caller.release(taken.hold_id)

        after = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **ids))

        assert (after.code, after.details) == (before.code, before.details)
        assert await inventory_caller.status(hall.seat_ids[0]) == "AVAILABLE"

    async def test_repetition_with_other_arguments_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        ids = new_ids()
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **ids)

        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[1], **ids))

        assert isinstance(refusal, Unprocessable)
        assert refusal.code == "IDEMPOTENCY_KEY_REUSED"

    async def test_repeated_sale_gets_the_same_response(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        request_id = new_id()

        first = await inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id)

        assert await inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id) == first

    async def test_repeated_release_gets_the_same_response(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2])
        request_id = new_id()

        assert [await inventory_caller.release(hold.hold_id, request_id=request_id) for _ in range(3)] == [2, 2, 2]


class TestConfirm:
    async def test_sells_the_seats_once(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        user_id = new_id()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=user_id)

        sale = await inventory_caller.confirm(hold.hold_id, user_id)

        assert sorted(sale.seat_ids) == sorted(hall.seat_ids[:2])
        seat = await inventory_caller.seat(hall.seat_ids[0])
        assert (seat.owner_user_id, seat.price_paid, seat.purchased_at) == (user_id, "350.00", sale.purchased_at)
        counts = (await inventory_caller.availability(hall.event_id))["CAT1"]
        assert (counts.available, counts.held, counts.sold) == (8, 0, 2)
        assert (await refused(inventory_caller.confirm(hold.hold_id, user_id))).code == "SEAT_ALREADY_SOLD"

    async def test_expired_hold_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], ttl_milliseconds=1)
        request_id = new_id()

        for _ in range(2):
            refusal = await refused(inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id))
            assert isinstance(refusal, Gone)
            assert refusal.code == "HOLD_EXPIRED"
        assert await inventory_caller.status(hall.seat_ids[0]) == "AVAILABLE"

    async def test_unknown_hold_is_refused(self, inventory_caller: InventoryCaller) -> None:
        assert (await refused(inventory_caller.confirm(new_id(), new_id()))).code == "HOLD_EXPIRED"

    async def test_hold_of_another_user_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])

        assert (await refused(inventory_caller.confirm(hold.hold_id, new_id()))).code == "SEAT_NOT_HELD"
        assert await inventory_caller.status(hall.seat_ids[0]) == "HELD"

    async def test_incomplete_hold_is_not_sold(self, inventory_caller: InventoryCaller, database: Database) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2])
        await remove_seat_from_hold(database, hall.seat_ids[0])  # no service does that

        assert (await refused(inventory_caller.confirm(hold.hold_id, hold.user_id))).code == "HOLD_EXPIRED"
        assert await inventory_caller.status(hall.seat_ids[1]) == "HELD"

    async def test_lock_wait_is_limited(
        self, inventory_caller: InventoryCaller, database: Database, settings: Settings
    ) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        request_id = new_id()
        impatient = settings.model_copy(update={"port": free_port(), "lock_timeout_seconds": 0.5})
        async with (
            running_inventory(impatient),
            open_channel(f"{impatient.host}:{impatient.port}") as channel,
            locked_seat(database, hall.seat_ids[0]),
        ):
            other = InventoryCaller(InventoryStub(channel), inventory_caller.caller)
            started_at = time.monotonic()
            refusal = await refused(other.confirm(hold.hold_id, hold.user_id, request_id=request_id))
            assert time.monotonic() - started_at >= impatient.lock_timeout_seconds
        assert refusal.kind == "busy"

        assert (await inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id)).seat_ids


class TestRelease:
    async def test_frees_the_seats(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:3])

        assert await inventory_caller.release(hold.hold_id) == 3

        assert await inventory_caller.statuses(*hall.seat_ids[:3]) == ["AVAILABLE"] * 3
        assert await inventory_caller.release(hold.hold_id) == 0
        assert (await refused(inventory_caller.confirm(hold.hold_id, hold.user_id))).code == "HOLD_EXPIRED"

    async def test_other_holds_and_sales_are_kept(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        sold = await inventory_caller.sell(hall.event_id, hall.seat_ids[1])

        assert await inventory_caller.release(new_id()) == 0
        assert await inventory_caller.release(sold.hold_id) == 0
        assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["HELD", "SOLD"]
        assert (await inventory_caller.confirm(hold.hold_id, hold.user_id)).seat_ids

    async def test_undo_before_the_action_refuses_the_late_action(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        late = new_ids()
        assert await inventory_caller.release(late["hold_id"], undoes_request_id=late["request_id"]) == 0

        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **late))

        assert refusal.code == "REQUEST_UNDONE"
        assert await inventory_caller.status(hall.seat_ids[0]) == "AVAILABLE"

    async def test_undo_frees_the_seats(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        done = new_ids()
        first = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **done)
        undo = partial(inventory_caller.release, request_id=new_id(), undoes_request_id=done["request_id"])

        assert [await undo(done["hold_id"]) for _ in range(2)] == [1, 1]

        assert await inventory_caller.status(hall.seat_ids[0]) == "AVAILABLE"
        # The repeated action returns its first response, though its hold is gone.
        assert await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **done) == first
        assert await inventory_caller.status(hall.seat_ids[0]) == "AVAILABLE"
