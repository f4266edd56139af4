"""What one account may hold (T2): seats of an event, seats in all, and no more for a while after holds that lapsed."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import TableRetention
from common.errors import ServiceError
from common.messaging.message import Message
from inventory.app import Inventory
from inventory.repository.expiry import ExpiryRepository, lapses_retention
from inventory.settings import Settings
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.inventory_caller import (
    Hall,
    InventoryCaller,
    new_id,
    outcomes,
    refused,
    rows,
    standing,
)
from tests.integration.inventory.tables import expire_hold, inserting_answer, waiting_for_locks
from tests.support.waiting import eventually


async def lapses_of(database: Database, user_id: str) -> int:
    statement = text("SELECT count(*) AS lapses FROM lapsed_holds WHERE user_id = CAST(:user_id AS uuid)")
    (row,) = await database.fetch_all(statement, {"user_id": user_id})
    return int(row["lapses"])


async def move_lapses_back(database: Database, user_id: str, *, seconds: float) -> None:
    statement = text(
        """
        UPDATE lapsed_holds SET ended_at = ended_at - CAST(:seconds AS float8) * interval '1 second'
        WHERE user_id = CAST(:user_id AS uuid)
        """
    )
    await database.execute(statement, {"seconds": seconds, "user_id": user_id})


def codes_of(answers: Sequence[object]) -> Counter[str]:
    return Counter(answer.code if isinstance(answer, ServiceError) else "held" for answer in answers)


class TestSeatsOfAnEvent:
    async def test_an_eleventh_seat_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall, user_id = await inventory_caller.provision(rows("CAT1", "1.00", A=12)), new_id()
        await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:8], user_id=user_id)

        refusal = await refused(inventory_caller.reserve(hall.event_id, *hall.seat_ids[8:11], user_id=user_id))
        await inventory_caller.reserve(hall.event_id, *hall.seat_ids[8:10], user_id=user_id)

        assert (refusal.kind, refusal.code) == ("conflict", "PURCHASE_LIMIT_REACHED")
        assert refusal.details == {"scope": "event", "limit": 10, "held": 8}

    async def test_best_available_seats_are_counted(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=20), standing("FLOOR", "1.00", 20))
        user_id = new_id()
        await inventory_caller.reserve_best(hall.event_id, "CAT1", 6, user_id=user_id)

        for category in ("CAT1", "FLOOR"):
            refusal = await refused(inventory_caller.reserve_best(hall.event_id, category, 5, user_id=user_id))
            assert refusal.code == "PURCHASE_LIMIT_REACHED"
        assert len((await inventory_caller.reserve_best(hall.event_id, "FLOOR", 4, user_id=user_id)).seats) == 4

    async def test_own_hold_is_returned_at_the_limit(self, inventory_caller: InventoryCaller) -> None:
        hall, user_id = await inventory_caller.provision(rows("CAT1", "1.00", A=12)), new_id()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:10], user_id=user_id)

        assert await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:10], user_id=user_id) == hold

    async def test_refused_request_stays_refused(self, inventory_caller: InventoryCaller) -> None:
        hall, user_id, request_id = await inventory_caller.provision(rows("CAT1", "1.00", A=12)), new_id(), new_id()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:10], user_id=user_id)
        again = partial(inventory_caller.reserve, user_id=user_id, request_id=request_id, hold_id=new_id())
        await refused(again(hall.event_id, hall.seat_ids[10]))
        await inventory_caller.release(hold.hold_id)

        refusal = await refused(again(hall.event_id, hall.seat_ids[10]))

        assert (refusal.code, refusal.details) == (
            "PURCHASE_LIMIT_REACHED",
            {"scope": "event", "limit": 10, "held": 10},
        )

    async def test_sold_released_and_expired_seats_are_not_counted(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall, user_id = await inventory_caller.provision(rows("CAT1", "1.00", A=40)), new_id()
        await inventory_caller.sell(hall.event_id, *hall.seat_ids[:10], user_id=user_id)
        released = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[10:20], user_id=user_id)
        await inventory_caller.release(released.hold_id)
        expired = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[20:30], user_id=user_id)
        await expire_hold(database, expired.hold_id)

        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[30:], user_id=user_id)

        assert len(hold.seats) == 10

    async def test_concurrent_reservations_hold_no_more(self, inventory_caller: InventoryCaller) -> None:
        hall, user_id = await inventory_caller.provision(rows("CAT1", "1.00", A=60)), new_id()
        named = [inventory_caller.reserve(hall.event_id, *pair, user_id=user_id) for pair in _pairs(hall)[:15]]
        best = [inventory_caller.reserve_best(hall.event_id, "CAT1", 2, user_id=user_id) for _ in range(15)]

        codes = codes_of(await asyncio.gather(*named, *best, return_exceptions=True))

        assert codes["PURCHASE_LIMIT_REACHED"] >= 1
        assert set(codes) <= {"held", "PURCHASE_LIMIT_REACHED", "SEAT_UNAVAILABLE"}
        seats = await inventory_caller.all_seats(hall.event_id)
        assert sum(seat.status == pb.HELD for seat in seats) == 10

    async def test_reservation_counts_those_that_are_not_committed_when_it_begins(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        """The first waits while it stores its result; the second's snapshot does not show its seats."""
        hall, user_id, request_id = await inventory_caller.provision(rows("CAT1", "1.00", A=12)), new_id(), new_id()
        reserve = partial(inventory_caller.reserve, hall.event_id, user_id=user_id)
        async with inserting_answer(database, request_id):
            first = asyncio.create_task(reserve(*hall.seat_ids[:6], request_id=request_id))
            await eventually(lambda: waiting_for_locks(database, 1))
            second = asyncio.create_task(reserve(*hall.seat_ids[6:]))

            async def second_is_decided_or_waits() -> bool:
                return second.done() or await waiting_for_locks(database, 2)

            await eventually(second_is_decided_or_waits)

        assert len((await first).seats) == 6
        assert (await refused(second)).code == "PURCHASE_LIMIT_REACHED"

    @pytest.mark.parametrize("seats", [2, 10])
    async def test_overlapping_reservations_of_the_same_seats_get_one_hold(
        self, inventory_caller: InventoryCaller, database: Database, seats: int
    ) -> None:
        """The second waits for the holder's lock: its snapshot shows free seats, which the first then holds."""
        hall, user_id, request_id = await inventory_caller.provision(rows("CAT1", "1.00", A=12)), new_id(), new_id()
        reserve = partial(inventory_caller.reserve, hall.event_id, *hall.seat_ids[:seats], user_id=user_id)
        async with inserting_answer(database, request_id):
            first = asyncio.create_task(reserve(request_id=request_id))
            await eventually(lambda: waiting_for_locks(database, 1))
            second = asyncio.create_task(reserve())
            await eventually(lambda: waiting_for_locks(database, 2))

        held, refusals = await outcomes([first, second])
        assert (held[1:], refusals) == (held[:1], [])

    async def test_limits_are_for_each_account(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=60))
        held, refusals = await outcomes([inventory_caller.reserve(hall.event_id, *pair) for pair in _pairs(hall)])
        assert (len(held), refusals) == (30, [])


class TestSeatsInAll:
    async def test_a_twenty_first_seat_is_refused(self, inventory_caller: InventoryCaller) -> None:
        halls, user_id = [await inventory_caller.provision(rows("CAT1", "1.00", A=10)) for _ in range(3)], new_id()
        for hall in halls[:2]:
            await inventory_caller.reserve(hall.event_id, *hall.seat_ids, user_id=user_id)

        refusal = await refused(inventory_caller.reserve(halls[2].event_id, halls[2].seat_ids[0], user_id=user_id))

        assert refusal.code == "PURCHASE_LIMIT_REACHED"
        assert refusal.details == {"scope": "account", "limit": 20, "held": 20}

    async def test_concurrent_reservations_in_several_events_hold_no_more(
        self, inventory_caller: InventoryCaller
    ) -> None:
        halls, user_id = [await inventory_caller.provision(rows("CAT1", "1.00", A=10)) for _ in range(6)], new_id()

        answers = await asyncio.gather(
            *(inventory_caller.reserve(hall.event_id, *hall.seat_ids[:7], user_id=user_id) for hall in halls),
            return_exceptions=True,
        )

        assert codes_of(answers) == {"held": 2, "PURCHASE_LIMIT_REACHED": 4}


class TestCooldown:
    async def lapse(self, caller: InventoryCaller, hall: Hall, user_id: str, *, times: int) -> None:
        for _ in range(times):
            hold = await caller.reserve(hall.event_id, hall.seat_ids[0], user_id=user_id)
            await caller.release(hold.hold_id, is_cancelled=True)

    async def test_third_cancelled_hold_begins_a_cooldown(self, inventory_caller: InventoryCaller) -> None:
        hall, user_id, request_id = await inventory_caller.provision(), new_id(), new_id()
        await self.lapse(inventory_caller, hall, user_id, times=3)
        again = partial(inventory_caller.reserve, user_id=user_id, request_id=request_id, hold_id=new_id())

        refusals = [await refused(again(hall.event_id, hall.seat_ids[0])) for _ in range(2)]

        for refusal in refusals:
            assert (refusal.kind, refusal.code) == ("too_many_requests", "HOLD_COOLDOWN")
            assert 1 <= (refusal.retry_after_seconds or 0) <= 300
        until = datetime.fromisoformat((refusals[0].details or {})["until"])
        assert timedelta(0) < until - datetime.now(UTC) <= timedelta(seconds=300)
        refusal = await refused(inventory_caller.reserve_best(hall.event_id, "CAT1", 1, user_id=user_id))
        assert refusal.code == "HOLD_COOLDOWN"

    async def test_other_events_and_accounts_are_not_affected(self, inventory_caller: InventoryCaller) -> None:
        hall, other, user_id = await inventory_caller.provision(), await inventory_caller.provision(), new_id()
        await self.lapse(inventory_caller, hall, user_id, times=3)

        await inventory_caller.reserve(other.event_id, other.seat_ids[0], user_id=user_id)
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])

    async def test_cooldown_ends(self, inventory_caller: InventoryCaller, database: Database) -> None:
        hall, user_id = await inventory_caller.provision(), new_id()
        await self.lapse(inventory_caller, hall, user_id, times=3)
        await move_lapses_back(database, user_id, seconds=301)

        await self.lapse(inventory_caller, hall, user_id, times=1)

        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], user_id=user_id))
        assert refusal.code == "HOLD_COOLDOWN"  # three within the window again

    async def test_lapses_outside_the_window_are_not_counted(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall, user_id = await inventory_caller.provision(), new_id()
        await self.lapse(inventory_caller, hall, user_id, times=2)
        await move_lapses_back(database, user_id, seconds=901)
        await self.lapse(inventory_caller, hall, user_id, times=1)

        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], user_id=user_id)

    async def test_purchases_and_withdrawn_requests_are_not_counted(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        """A saga releases a hold that its holder did not cancel when a later step fails."""
        hall, user_id = await inventory_caller.provision(), new_id()
        for seat_id in hall.seat_ids[:4]:
            hold = await inventory_caller.reserve(hall.event_id, seat_id, user_id=user_id)
            await inventory_caller.release(hold.hold_id)
            await inventory_caller.sell(hall.event_id, seat_id, user_id=user_id)

        assert await lapses_of(database, user_id) == 0

    @pytest.mark.parametrize("ended_by", ["message", "sweeper", "next buyer", "best available", "late release"])
    async def test_expired_hold_is_counted_once_however_it_ends(
        self, inventory_caller: InventoryCaller, inventory: Inventory, database: Database, ended_by: str
    ) -> None:
        hall, user_id = await inventory_caller.provision(rows("CAT1", "1.00", A=3)), new_id()
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids, user_id=user_id)
        await expire_hold(database, hold.hold_id)

        match ended_by:
            case "message":
                message = Message(type="seat.hold", source="test", subject=hold.hold_id)
                await ExpiryRepository(database).end_hold(uuid.UUID(hold.hold_id), message)
            case "sweeper":
                await inventory.sweeper.sweep()
            case "next buyer":
                await inventory_caller.reserve(hall.event_id, *hall.seat_ids)
            case "best available":
                await inventory_caller.reserve_best(hall.event_id, "CAT1", 3)
            case _:
                await inventory_caller.release(hold.hold_id)
        await inventory.sweeper.sweep()

        assert await lapses_of(database, user_id) == 1

    async def test_lapses_are_deleted_when_no_limit_counts_them(
        self, inventory_caller: InventoryCaller, settings: Settings, database: Database
    ) -> None:
        hall, user_id, other = await inventory_caller.provision(), new_id(), new_id()
        for holder in (user_id, other):
            await self.lapse(inventory_caller, hall, holder, times=2)
        await move_lapses_back(database, user_id, seconds=1_201)

        await TableRetention(database, lapses_retention(settings.hold_limits)).delete_old()

        assert (await lapses_of(database, user_id), await lapses_of(database, other)) == (0, 2)


def _pairs(hall: Hall) -> list[list[str]]:
    return [hall.seat_ids[first : first + 2] for first in range(0, len(hall.seat_ids), 2)]
