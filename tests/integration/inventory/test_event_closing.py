"""Closing an event's sale."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from common.db.engine import Database
from common.errors import Gone, ServiceError
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.inventory_caller import (
    Hall,
    InventoryCaller,
    new_id,
    new_ids,
    refused,
    rows,
    scan_of,
    standing,
)
from tests.integration.inventory.tables import inserting_answer, waiting_for_locks, wrong_counts
from tests.support.waiting import eventually


@pytest.fixture
async def hall(inventory_caller: InventoryCaller) -> Hall:
    return await inventory_caller.provision(rows("CAT1", "350.00", A=5, B=5), standing("FLOOR", "90.00", 5))


class TestCloseEvent:
    async def test_reservations_are_refused(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        await inventory_caller.close_event(hall.event_id)

        calls: list[Callable[..., Awaitable[object]]] = [
            lambda **ids: inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], **ids),
            lambda **ids: inventory_caller.reserve_best(hall.event_id, "CAT1", 2, **ids),
            lambda **ids: inventory_caller.reserve_best(hall.event_id, "FLOOR", 1, **ids),
        ]
        for call in calls:
            ids = new_ids()
            for _ in range(2):
                refusal = await refused(call(**ids))
                assert isinstance(refusal, Gone)
                assert refusal.code == "EVENT_ENDED"
        assert await inventory_caller.all_seats(hall.event_id) == list(hall.seats)

    async def test_sales_of_held_seats_are_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=fan)
        await inventory_caller.close_event(hall.event_id)

        assert (await refused(inventory_caller.confirm(hold.hold_id, new_id()))).code == "SEAT_NOT_HELD"
        request_id = new_id()
        for _ in range(2):
            refusal = await refused(inventory_caller.confirm(hold.hold_id, fan, request_id=request_id))
            assert (refusal.kind, refusal.code) == ("gone", "EVENT_ENDED")
        again = inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], user_id=fan)
        assert (await refused(again)).code == "EVENT_ENDED"
        assert await inventory_caller.release(hold.hold_id) == 2
        assert await wrong_counts(database, hall.event_id) == []

    async def test_new_listings_are_refused_and_existing_ones_kept(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        await inventory_caller.sell(hall.event_id, *hall.seat_ids[:2], user_id=fan)
        await inventory_caller.list_for_resale(hall.seat_ids[0], fan)
        await inventory_caller.close_event(hall.event_id)

        assert (await inventory_caller.withdraw_from_resale(hall.seat_ids[0], fan)).status == pb.SOLD
        for seat_id in hall.seat_ids[:2]:
            refusal = await refused(inventory_caller.list_for_resale(seat_id, fan))
            assert (refusal.kind, refusal.code) == ("gone", "EVENT_ENDED")
        assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["SOLD", "SOLD"]

    async def test_repetitions_still_get_their_first_response(
        self, inventory_caller: InventoryCaller, hall: Hall
    ) -> None:
        ids, sale_id, best_ids, change_id = new_ids(), new_id(), new_ids(), new_id()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], **ids)
        sale = await inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=sale_id)
        best = await inventory_caller.reserve_best(hall.event_id, "CAT1", 2, **best_ids)
        handed_over = await inventory_caller.change_owner(
            hall.seat_ids[0], expected=hold.user_id, new=best_ids["user_id"], request_id=change_id
        )
        await inventory_caller.close_event(hall.event_id)

        assert await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], **ids) == hold
        assert await inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=sale_id) == sale
        assert await inventory_caller.reserve_best(hall.event_id, "CAT1", 2, **best_ids) == best
        again = inventory_caller.change_owner(
            hall.seat_ids[0], expected=hold.user_id, new=best_ids["user_id"], request_id=change_id
        )
        assert await again == handed_over

    async def test_ends_transfers_but_not_their_undo(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        friend, request_id, handed, kept = new_id(), new_id(), *hall.seat_ids[:2]
        await inventory_caller.sell(hall.event_id, handed, kept, user_id=fan)
        await inventory_caller.change_owner(handed, expected=fan, new=friend, request_id=request_id)
        await inventory_caller.close_event(hall.event_id)

        again = new_id()
        for _ in range(2):
            refusal = await refused(inventory_caller.change_owner(kept, expected=fan, new=friend, request_id=again))
            assert (refusal.kind, refusal.code) == ("gone", "EVENT_ENDED")
        undo = await inventory_caller.change_owner(handed, expected=friend, new=fan, undoes_request_id=request_id)
        assert (undo.owner_user_id, (await inventory_caller.seat(kept)).owner_user_id) == (fan, fan)

    async def test_owners_keep_their_tickets(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        await inventory_caller.close_event(hall.event_id)

        assert (await inventory_caller.owned_by(fan)).total == 1
        assert (await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))).result == pb.SUCCESS

    async def test_other_events_stay_open(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        other = await inventory_caller.provision()
        await inventory_caller.close_event(hall.event_id)

        await inventory_caller.sell(other.event_id, *other.seat_ids[:2], user_id=fan)
        await inventory_caller.reserve_best(other.event_id, "CAT1", 2)
        assert (await inventory_caller.list_for_resale(other.seat_ids[0], fan)).status == pb.LISTED

    async def test_lets_seats_be_blocked_and_unblocked(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        await inventory_caller.close_event(hall.event_id)

        assert await inventory_caller.block(hall.event_id, *hall.seat_ids[:2]) == 2
        assert (await refused(inventory_caller.block(hall.event_id, hall.seat_ids[0]))).code == "SEAT_UNAVAILABLE"
        assert await inventory_caller.unblock(hall.event_id, *hall.seat_ids[:2]) == 2

    async def test_closing_can_be_repeated(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        request_id = new_id()
        await asyncio.gather(*(inventory_caller.close_event(hall.event_id, request_id=request_id) for _ in range(5)))
        await asyncio.gather(*(inventory_caller.close_event(hall.event_id) for _ in range(5)))
        refusal = await refused(inventory_caller.close_event(new_id(), request_id=request_id))
        assert refusal.code == "IDEMPOTENCY_KEY_REUSED"


class TestCloseEventDuringAChangeOfOwner:
    async def test_any_interleaving(self, inventory_caller: InventoryCaller, fan: str) -> None:
        friend = new_id()
        for _ in range(20):
            hall = await inventory_caller.provision()
            seat_id = hall.seat_ids[0]
            await inventory_caller.sell(hall.event_id, seat_id, user_id=fan)
            change, _ = await asyncio.gather(
                inventory_caller.change_owner(seat_id, expected=fan, new=friend),
                inventory_caller.close_event(hall.event_id),
                return_exceptions=True,
            )

            owner = (await inventory_caller.seat(seat_id)).owner_user_id
            if isinstance(change, ServiceError):
                assert (change.code, owner) == ("EVENT_ENDED", fan)
            else:
                assert owner == friend
            late = await refused(inventory_caller.change_owner(seat_id, expected=owner, new=new_id()))
            assert late.code == "EVENT_ENDED"


class TestCloseEventDuringASale:
    async def test_sale_in_progress_may_complete(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        """The sale may still succeed and does not block the closing."""
        hold, request_id = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], user_id=fan), new_id()
        async with inserting_answer(database, request_id):
            sale = asyncio.create_task(inventory_caller.confirm(hold.hold_id, fan, request_id=request_id))
            await eventually(lambda: waiting_for_locks(database, 1))
            await inventory_caller.close_event(hall.event_id)
            assert (await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[1]))).code == "EVENT_ENDED"

        assert (await sale).seat_ids == [hall.seat_ids[0]]
        assert await inventory_caller.status(hall.seat_ids[0]) == "SOLD"

    async def test_any_interleaving(self, inventory_caller: InventoryCaller, database: Database) -> None:
        for _ in range(20):
            hall = await inventory_caller.provision()
            hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2])
            sale, _ = await asyncio.gather(
                inventory_caller.confirm(hold.hold_id, hold.user_id),
                inventory_caller.close_event(hall.event_id),
                return_exceptions=True,
            )

            statuses = await inventory_caller.statuses(*hall.seat_ids[:2])
            if isinstance(sale, ServiceError):
                assert (sale.code, statuses) == ("EVENT_ENDED", ["HELD", "HELD"])
            else:
                assert statuses == ["SOLD", "SOLD"]
            late = await refused(inventory_caller.confirm(hold.hold_id, hold.user_id))
            assert late.code in {"EVENT_ENDED", "SEAT_ALREADY_SOLD"}
            assert await wrong_counts(database, hall.event_id) == []
