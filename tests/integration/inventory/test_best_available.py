"""Best available: adjacent seats in the best row that has them, for all concurrent buyers."""

import asyncio
import uuid

from common.db.engine import Database
from common.errors import ServiceError
from inventory.app import Inventory
from inventory.repository.search import SearchRepository
from inventory.schemas import BestAvailable
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.inventory_caller import Hall, InventoryCaller, new_ids, refused, rows, standing
from tests.integration.inventory.tables import wrong_counts


def places(hold: pb.Hold) -> list[str]:
    """Return such as ["A1", "A2"]."""
    return [f"{seat.row_number}{seat.seat_number}" for seat in hold.seats]


def ids_at(hall: Hall, *wanted: str) -> list[str]:
    at = {f"{seat.row_number}{seat.seat_number}": seat.seat_id for seat in hall.seats}
    return [at[place] for place in wanted]


class TestOneBuyer:
    async def test_gets_the_lowest_seats_of_the_best_row(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=5, B=5), rows("CAT2", "250.00", C=5))

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 3)) == ["A1", "A2", "A3"]
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 3)) == ["B1", "B2", "B3"]
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 2)) == ["A4", "A5"]
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT2", 1)) == ["C1"]

    async def test_adjacent_seats_in_a_worse_row_are_preferred(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=5, B=5, C=5))
        await inventory_caller.block(hall.event_id, *ids_at(hall, "A2", "A4", "B3"))

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 3)) == ["C1", "C2", "C3"]
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 2)) == ["B1", "B2"]

    async def test_separate_seats_are_the_last_resort(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=5, B=5))
        await inventory_caller.block(hall.event_id, *ids_at(hall, "A2", "A4", "B2", "B4"))

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["A1", "A3", "A5", "B1"]

    async def test_adjacent_seats_behind_many_fragmented_rows_are_found(
        self, inventory_caller: InventoryCaller
    ) -> None:
        """Every row but the last has only single seats; all of them are read once."""
        names = [f"R{number}" for number in range(60)]
        hall = await inventory_caller.provision(rows("CAT1", "10.00", **dict.fromkeys(names, 3)))
        await inventory_caller.block(hall.event_id, *[i for name in names[:-1] for i in ids_at(hall, f"{name}2")])

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 2)) == ["R591", "R592"]

    async def test_too_few_seats_are_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=3), rows("CAT2", "1.00", B=10))

        refusal = await refused(inventory_caller.reserve_best(hall.event_id, "CAT1", 4))

        assert refusal.code == "SEAT_UNAVAILABLE"
        assert (await inventory_caller.availability(hall.event_id))["CAT1"].available == 3

    async def test_ten_seats_at_most(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=20))
        for quantity in (0, -1, 11):
            refusal = await refused(inventory_caller.reserve_best(hall.event_id, "CAT1", quantity))
            assert refusal.code == "VALIDATION_ERROR"
        assert len((await inventory_caller.reserve_best(hall.event_id, "CAT1", 10)).seats) == 10

    async def test_unknown_category_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        assert (await refused(inventory_caller.reserve_best(hall.event_id, "CAT9", 1))).code == "SEAT_NOT_FOUND"

    async def test_repetition_gets_the_same_seats(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4))
        ids, refused_ids = new_ids(), new_ids()
        first = await inventory_caller.reserve_best(hall.event_id, "CAT1", 4, **ids)
        assert (await refused(inventory_caller.reserve_best(hall.event_id, "CAT1", 1, **refused_ids))).code
        assert await inventory_caller.reserve_best(hall.event_id, "CAT1", 4, **ids) == first

        await inventory_caller.release(first.hold_id)

        assert await inventory_caller.reserve_best(hall.event_id, "CAT1", 4, **ids) == first
        assert (await refused(inventory_caller.reserve_best(hall.event_id, "CAT1", 1, **refused_ids))).code
        assert (await inventory_caller.availability(hall.event_id))["CAT1"].available == 4

    async def test_seats_of_an_expired_hold_are_used_last(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4))
        await inventory_caller.reserve(hall.event_id, *ids_at(hall, "A1", "A2"), ttl_milliseconds=1)
        await inventory_caller.reserve(hall.event_id, *ids_at(hall, "A3", "A4"))

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 2)) == ["A1", "A2"]


class TestFreedSeats:
    """The search result stored for a row is cleared as soon as one of its seats is freed."""

    async def test_are_found_after_a_release(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4, B=4, C=4))
        hold = await inventory_caller.reserve(hall.event_id, *ids_at(hall, "A2", "A3"))
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["B1", "B2", "B3", "B4"]

        await inventory_caller.release(hold.hold_id)

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["A1", "A2", "A3", "A4"]

    async def test_are_found_after_an_expiry(self, inventory_caller: InventoryCaller, inventory: Inventory) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4, B=4, C=4))
        await inventory_caller.reserve(hall.event_id, *ids_at(hall, "A2", "A3"), ttl_milliseconds=1)
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["B1", "B2", "B3", "B4"]

        await inventory.sweeper.sweep()

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["A1", "A2", "A3", "A4"]

    async def test_are_found_after_unblocking(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4, B=4, C=4))
        await inventory_caller.block(hall.event_id, *ids_at(hall, "A2"))
        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["B1", "B2", "B3", "B4"]

        await inventory_caller.unblock(hall.event_id, *ids_at(hall, "A2"))

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["A1", "A2", "A3", "A4"]

    async def test_seats_freed_during_a_search_are_found(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        """A search must not store what it read before seats were freed."""
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4, B=4))
        hold = await inventory_caller.reserve(hall.event_id, *ids_at(hall, "A2", "A3"))
        searches, wanted = SearchRepository(database), four_seats(hall)
        seen = await searches.find_runs(wanted, rows=4)
        assert [row_rank for row_rank, _ in seen.exhausted] == [1]

        await inventory_caller.release(hold.hold_id)
        await searches.lower_bounds(wanted, seen.exhausted)

        assert places(await inventory_caller.reserve_best(hall.event_id, "CAT1", 4)) == ["A1", "A2", "A3", "A4"]

    async def test_row_without_a_match_is_searched_once(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=4, B=4))
        await inventory_caller.reserve(hall.event_id, *ids_at(hall, "A2"))
        searches, wanted = SearchRepository(database), four_seats(hall)
        seen = await searches.find_runs(wanted, rows=4)

        await searches.lower_bounds(wanted, seen.exhausted)

        assert len(seen.exhausted) == 1
        assert (await searches.find_runs(wanted, rows=4)).exhausted == []


class TestManyBuyers:
    async def test_get_different_seats(self, inventory_caller: InventoryCaller, database: Database) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=10, B=10, C=10, D=10))

        holds = await asyncio.gather(*(inventory_caller.reserve_best(hall.event_id, "CAT1", 2) for _ in range(20)))

        taken = [seat.seat_id for hold in holds for seat in hold.seats]
        assert len(set(taken)) == 40
        assert all(is_adjacent(hold) for hold in holds)
        assert await wrong_counts(database, hall.event_id) == []

    async def test_buyers_get_all_seats_and_the_others_are_refused(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "350.00", A=7, B=7, C=7))

        ended = await asyncio.gather(
            *(inventory_caller.reserve_best(hall.event_id, "CAT1", 2) for _ in range(30)), return_exceptions=True
        )

        refusals = [end for end in ended if isinstance(end, ServiceError)]
        holds = [end for end in ended if isinstance(end, pb.Hold)]
        assert {refusal.code for refusal in refusals} == {"SEAT_UNAVAILABLE"}
        assert len(holds) == 10  # 21 seats
        assert len({seat.seat_id for hold in holds for seat in hold.seats}) == 20
        assert await wrong_counts(database, hall.event_id) == []

    async def test_buyers_of_a_standing_area_get_one_place_each(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall = await inventory_caller.provision(standing("FLOOR", "99.00", 30), rows("CAT1", "1.00", A=2))

        ended = await asyncio.gather(
            *(inventory_caller.reserve_best(hall.event_id, "FLOOR", 1) for _ in range(40)), return_exceptions=True
        )

        holds = [end for end in ended if isinstance(end, pb.Hold)]
        assert len({seat.seat_id for hold in holds for seat in hold.seats}) == len(holds) == 30
        assert {seat.row_number for hold in holds for seat in hold.seats} == {"GA"}
        assert (await inventory_caller.availability(hall.event_id))["FLOOR"].available == 0
        assert await wrong_counts(database, hall.event_id) == []


def four_seats(hall: Hall) -> BestAvailable:
    return BestAvailable(
        request_id=uuid.uuid4(),
        hold_id=uuid.uuid4(),
        event_id=uuid.UUID(hall.event_id),
        category="CAT1",
        quantity=4,
        user_id=uuid.uuid4(),
        hold_ttl_milliseconds=60_000,
    )


def is_adjacent(hold: pb.Hold) -> bool:
    numbers = [seat.seat_number for seat in hold.seats]
    return (
        numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        and len({seat.row_number for seat in hold.seats}) == 1
    )
