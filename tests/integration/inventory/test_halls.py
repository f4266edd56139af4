"""A hall's seats: created, listed, counted, blocked, discarded."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from inventory.app import Inventory
from inventory.repository.halls import HallRepository
from inventory.schemas import LayoutCategory, LayoutRow
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.inventory_caller import InventoryCaller, new_id, refused, rows, standing
from tests.integration.inventory.tables import count_changes, wrong_counts


class TestProvision:
    async def test_seats_and_standing_places_are_in_hall_order(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(
            rows("CAT1", "350.00", B=2, A=1), standing("FLOOR", "99.50", 3), rows("CAT2", "0", C=1)
        )

        assert [(s.category, s.row_number, s.seat_number, s.price) for s in hall.seats] == [
            ("CAT1", "B", 1, "350.00"),
            ("CAT1", "B", 2, "350.00"),
            ("CAT1", "A", 1, "350.00"),
            ("FLOOR", "GA", 1, "99.50"),
            ("FLOOR", "GA", 2, "99.50"),
            ("FLOOR", "GA", 3, "99.50"),
            ("CAT2", "C", 1, "0.00"),
        ]
        assert {seat.status for seat in hall.seats} == {pb.AVAILABLE}
        counts = await inventory_caller.availability(hall.event_id)
        assert [(name, count.total, count.available) for name, count in counts.items()] == [
            ("CAT1", 3, 3),
            ("FLOOR", 3, 3),
            ("CAT2", 1, 1),
        ]

    async def test_repeated_provisioning_creates_nothing(self, inventory_caller: InventoryCaller) -> None:
        event_id, request_id = new_id(), new_id()
        layout = rows("CAT1", "1.00", A=3)
        first = await inventory_caller.provision(layout, event_id=event_id, request_id=request_id)

        again = await inventory_caller.provision(layout, event_id=event_id, request_id=request_id)

        assert again.seats == first.seats

    async def test_concurrent_provisioning_creates_one_hall(self, inventory_caller: InventoryCaller) -> None:
        event_id, request_id = new_id(), new_id()
        layout = rows("CAT1", "1.00", A=3)

        await asyncio.gather(
            *(inventory_caller.provision(layout, event_id=event_id, request_id=request_id) for _ in range(5))
        )
        await asyncio.gather(
            *(inventory_caller.provision(layout, event_id=event_id) for _ in range(3)), return_exceptions=True
        )

        assert len(await inventory_caller.all_seats(event_id)) == 3

    async def test_provisioning_an_event_with_seats_is_refused(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        refusal = await refused(inventory_caller.provision(rows("CAT9", "1.00", Z=1), event_id=hall.event_id))
        assert refusal.kind == "conflict"
        assert len(await inventory_caller.all_seats(hall.event_id)) == 10

    @pytest.mark.parametrize(
        "layout",
        [
            [],
            [pb.LayoutCategory(category="CAT1", price="1.00")],
            [rows("CAT1", "1.00", A=0)],
            [rows("CAT1", "1.00", A=-1)],
            [rows("CAT1", "1.00", A=1_001)],
            [rows("", "1.00", A=1)],
            [rows("CAT1", "-1.00", A=1)],
            [rows("CAT1", "1.005", A=1)],
            [rows("CAT1", "free", A=1)],
            [rows("CAT1", "NaN", A=1)],
            [rows("CAT1", "1e400", A=1)],
            [rows("CAT1", "1.00", A=1), rows("CAT1", "2.00", B=1)],
            [standing("FLOOR", "1.00", 200_001)],
            [standing("FLOOR", "1.00", -5)],
            [
                pb.LayoutCategory(
                    category="BOTH", price="1", rows=[pb.LayoutRow(row_number="A", seats=1)], general_admission=1
                )
            ],
        ],
        ids=str,
    )
    async def test_invalid_layout_is_refused(
        self, inventory_caller: InventoryCaller, layout: list[pb.LayoutCategory]
    ) -> None:
        refusal = await refused(inventory_caller.make_seats(layout, event_id=new_id(), request_id=new_id()))
        assert refusal.code == "VALIDATION_ERROR"

    async def test_places_of_several_standing_areas_have_different_labels(
        self, inventory_caller: InventoryCaller
    ) -> None:
        hall = await inventory_caller.provision(standing("FLOOR", "99.50", 2), standing("LAWN", "50.00", 1))

        assert [(seat.row_number, seat.seat_number) for seat in hall.seats] == [
            ("GA FLOOR", 1),
            ("GA FLOOR", 2),
            ("GA LAWN", 1),
        ]

    @pytest.mark.parametrize(
        "layout",
        [
            [rows("CAT1", "1.00", A=1), rows("CAT2", "2.00", A=1)],
            [rows("CAT1", "1.00", GA=1), standing("FLOOR", "2.00", 1)],
            [
                pb.LayoutCategory(
                    category="CAT1",
                    price="1",
                    rows=[pb.LayoutRow(row_number="A", seats=1), pb.LayoutRow(row_number="A", seats=2)],
                )
            ],
        ],
        ids=["in two categories", "like a standing area", "in one category"],
    )
    async def test_two_rows_of_one_name_are_refused_permanently(
        self, inventory_caller: InventoryCaller, layout: list[pb.LayoutCategory]
    ) -> None:
        event_id, request_id = new_id(), new_id()

        for _ in range(2):
            refusal = await refused(inventory_caller.make_seats(layout, event_id=event_id, request_id=request_id))
            assert refusal.code == "VALIDATION_ERROR"
            assert len((refusal.details or {})["rows"]) == 1
        assert await inventory_caller.all_seats(event_id) == []

    async def test_database_refuses_two_rows_of_one_name(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall = await inventory_caller.provision()
        rename = text("UPDATE seat_rows SET row_number = 'A' WHERE event_id = CAST(:event_id AS uuid)")

        with pytest.raises(IntegrityError, match="ix_seat_rows_label"):
            await database.execute(rename, {"event_id": hall.event_id})

    async def test_hall_of_the_previous_release_keeps_its_rows(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        """Its inserts omit the mark of unique labels."""
        hall = await inventory_caller.provision()
        rename = text(
            "UPDATE seat_rows SET is_label_unique = DEFAULT, row_number = 'A' WHERE event_id = CAST(:event_id AS uuid)"
        )

        await database.execute(rename, {"event_id": hall.event_id})

        held = await inventory_caller.reserve_best(hall.event_id, "CAT1", 2)
        assert len(held.seats) == 2

    async def test_given_seat_ids_are_used(self, inventory_caller: InventoryCaller, database: Database) -> None:
        """The seed data has fixed ids."""
        event_id, ids = uuid.uuid4(), [uuid.uuid4() for _ in range(3)]
        row = LayoutRow(row_number="A", seats=3, seat_ids=ids)
        layout = [LayoutCategory(category="CAT1", price=Decimal("1.00"), rows=[row])]

        await HallRepository(database).provision(ParticipantRequest.of(uuid.uuid4(), "seed"), event_id, layout)

        seats = await inventory_caller.all_seats(str(event_id))
        assert [seat.seat_id for seat in seats] == [str(seat_id) for seat_id in ids]

    async def test_provisioning_a_stadium(self, inventory_caller: InventoryCaller) -> None:
        names = {f"R{number}": 50 for number in range(1_000)}
        event_id = new_id()
        layout = [rows("SEATED", "80.00", **names), standing("FLOOR", "50.00", 50_000)]

        assert await inventory_caller.make_seats(layout, event_id=event_id, request_id=new_id()) == 100_000
        assert len((await inventory_caller.page(event_id, page_token="97000", page_size=5_000)).seats) == 3_000


class TestDiscard:
    async def test_removes_the_hall(self, inventory_caller: InventoryCaller) -> None:
        request_id, event_id = new_id(), new_id()
        hall = await inventory_caller.provision(event_id=event_id, request_id=request_id)
        undo = {"undoes_request_id": request_id, "request_id": new_id()}

        await inventory_caller.discard(event_id, **undo)
        await inventory_caller.discard(event_id, **undo)

        assert await inventory_caller.all_seats(event_id) == []
        assert await inventory_caller.availability(event_id) == {}
        assert (await refused(inventory_caller.seat(hall.seat_ids[0]))).code == "SEAT_NOT_FOUND"

    async def test_late_provisioning_is_refused(self, inventory_caller: InventoryCaller) -> None:
        request_id, event_id = new_id(), new_id()
        await inventory_caller.discard(event_id, undoes_request_id=request_id)

        refusal = await refused(inventory_caller.provision(event_id=event_id, request_id=request_id))

        assert refusal.code == "REQUEST_UNDONE"
        assert await inventory_caller.all_seats(event_id) == []

    async def test_hall_in_use_is_not_discarded(self, inventory_caller: InventoryCaller, database: Database) -> None:
        request_id, event_id = new_id(), new_id()
        hall = await inventory_caller.provision(event_id=event_id, request_id=request_id)
        hold = await inventory_caller.reserve(event_id, hall.seat_ids[0])
        await inventory_caller.release(hold.hold_id)  # a seat that was held once may be known to a client

        refusal = await refused(inventory_caller.discard(event_id, undoes_request_id=request_id))

        assert refusal.kind == "conflict"
        assert len(await inventory_caller.all_seats(event_id)) == 10
        assert await wrong_counts(database, event_id) == []

    async def test_concurrent_discard_and_purchase_leave_a_whole_hall_or_none(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        for _ in range(15):
            request_id, event_id = new_id(), new_id()
            hall = await inventory_caller.provision(event_id=event_id, request_id=request_id)
            await asyncio.gather(
                inventory_caller.discard(event_id, undoes_request_id=request_id),
                *(inventory_caller.reserve(event_id, seat_id) for seat_id in hall.seat_ids),
                return_exceptions=True,
            )
            assert len(await inventory_caller.all_seats(event_id)) in {0, 10}
            assert await wrong_counts(database, event_id) == []


class TestBlock:
    async def test_takes_free_seats_off_sale_and_puts_them_back(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall = await inventory_caller.provision()
        request_id = new_id()

        assert await inventory_caller.block(hall.event_id, *hall.seat_ids[:3], request_id=request_id) == 3
        assert await inventory_caller.block(hall.event_id, *hall.seat_ids[:3], request_id=request_id) == 3

        assert (await inventory_caller.availability(hall.event_id))["CAT1"].blocked == 3
        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0]))
        assert refusal.code == "SEAT_UNAVAILABLE"
        assert await inventory_caller.unblock(hall.event_id, *hall.seat_ids[:3]) == 3
        assert (await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])).hold_id
        assert await wrong_counts(database, hall.event_id) == []

    async def test_is_for_free_seats_only(self, inventory_caller: InventoryCaller, database: Database) -> None:
        hall = await inventory_caller.provision()
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        await inventory_caller.sell(hall.event_id, hall.seat_ids[1])
        await inventory_caller.block(hall.event_id, hall.seat_ids[2])

        codes = [
            (await refused(inventory_caller.block(hall.event_id, hall.seat_ids[number], hall.seat_ids[5]))).code
            for number in range(3)
        ]

        assert codes == ["SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD", "SEAT_UNAVAILABLE"]
        assert await inventory_caller.status(hall.seat_ids[5]) == "AVAILABLE"
        assert await wrong_counts(database, hall.event_id) == []

    async def test_seat_of_an_expired_hold_can_be_blocked(
        self, inventory_caller: InventoryCaller, database: Database
    ) -> None:
        hall = await inventory_caller.provision()
        await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], ttl_milliseconds=1)

        assert await inventory_caller.block(hall.event_id, *hall.seat_ids[1:3]) == 2
        assert await wrong_counts(database, hall.event_id) == []

    async def test_unblocks_blocked_seats_only(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision()
        await inventory_caller.block(hall.event_id, hall.seat_ids[0])

        refusal = await refused(inventory_caller.unblock(hall.event_id, *hall.seat_ids[:2]))

        assert (refusal.code, refusal.details) == ("SEAT_UNAVAILABLE", {"seat_ids": [hall.seat_ids[1]]})
        assert await inventory_caller.status(hall.seat_ids[0]) == "BLOCKED"

    async def test_unknown_seats_are_refused(self, inventory_caller: InventoryCaller) -> None:
        hall, other = await inventory_caller.provision(), await inventory_caller.provision()
        for change in (inventory_caller.block, inventory_caller.unblock):
            assert (await refused(change(hall.event_id, new_id()))).code == "SEAT_NOT_FOUND"
            assert (await refused(change(hall.event_id, other.seat_ids[0]))).code == "VALIDATION_ERROR"
            assert (await refused(change(hall.event_id))).code == "VALIDATION_ERROR"


class TestPages:
    async def test_are_in_hall_order_without_gaps(self, inventory_caller: InventoryCaller) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=7, B=5), rows("CAT2", "1.00", C=3))
        for page_size in (1, 4, 5, 15, 16):
            seats: list[str] = []
            token, pages = "", 0
            while pages == 0 or token:
                page = await inventory_caller.page(hall.event_id, page_token=token, page_size=page_size)
                assert 1 <= len(page.seats) <= page_size
                seats += [seat.seat_id for seat in page.seats]
                token, pages = page.next_page_token, pages + 1
            assert seats == hall.seat_ids
            assert pages == -(-15 // page_size)

    @pytest.mark.parametrize("token", ["x", "-1", "1.5", "9999999999", " 1", "\u0661"])
    async def test_invalid_page_token_is_refused(self, inventory_caller: InventoryCaller, token: str) -> None:
        refusal = await refused(inventory_caller.page(new_id(), page_token=token))
        assert refusal.code == "VALIDATION_ERROR"

    @pytest.mark.parametrize("page_size", [-1, 5_001])
    async def test_page_size_is_limited(self, inventory_caller: InventoryCaller, page_size: int) -> None:
        refusal = await refused(inventory_caller.page(new_id(), page_size=page_size))
        assert refusal.code == "VALIDATION_ERROR"


class TestAvailability:
    async def test_counts_follow_every_change(
        self, inventory_caller: InventoryCaller, inventory: Inventory, database: Database
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=10))
        await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2])
        await inventory_caller.sell(hall.event_id, *hall.seat_ids[2:5])
        await inventory_caller.block(hall.event_id, hall.seat_ids[5])
        cancelled = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[6:8])
        await inventory_caller.release(cancelled.hold_id)
        expected = pb.CategoryAvailability(category="CAT1", total=10, available=4, held=2, sold=3, blocked=1)

        assert (await inventory_caller.availability(hall.event_id))["CAT1"] == expected
        await inventory.counts.aggregate()
        assert await count_changes(database, hall.event_id) == 0
        assert (await inventory_caller.availability(hall.event_id))["CAT1"] == expected

    async def test_several_events_are_returned_together(self, inventory_caller: InventoryCaller) -> None:
        halls = [await inventory_caller.provision() for _ in range(3)]
        request = pb.GetAvailabilityRequest(event_ids=[hall.event_id for hall in halls] + [new_id()])

        answer = await inventory_caller.caller.call(inventory_caller.stub.GetAvailability, request)

        assert {event.event_id for event in answer.events} == {hall.event_id for hall in halls}

    async def test_counts_are_correct_during_aggregation(
        self, inventory_caller: InventoryCaller, inventory: Inventory, database: Database
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=60))
        buying = asyncio.gather(*(inventory_caller.reserve(hall.event_id, seat_id) for seat_id in hall.seat_ids))
        seen = []
        while not buying.done():
            counts, *_ = await asyncio.gather(
                inventory_caller.availability(hall.event_id), inventory.counts.aggregate(), inventory.counts.aggregate()
            )
            seen.append(counts["CAT1"].held)
            assert counts["CAT1"].available + counts["CAT1"].held == 60
        await buying

        assert seen == sorted(seen)
        assert (await inventory_caller.availability(hall.event_id))["CAT1"].held == 60
        assert await wrong_counts(database, hall.event_id) == []
