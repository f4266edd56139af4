"""An order's seats taken back."""

import asyncio
from dataclasses import dataclass

import pytest

from common.db.engine import Database
from common.errors import ServiceError
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.box_office import Hall, PurchaseService, new_id, outcomes, refused, rows, scan_of
from tests.integration.inventory.listening import open_wire
from tests.integration.inventory.tables import at_least_waiting, locked_seat, wrong_counts
from tests.support.waiting import eventually


@dataclass(frozen=True, kw_only=True)
class Order:
    """Seats that were bought together, and what may be done with the first of them."""

    box_office: PurchaseService
    hall: Hall
    order_id: str
    seat_ids: list[str]
    buyer: str

    async def result_of(self, deed: str) -> object:
        """Return the seats of a reclaim, the result of a check-in, a seat's new state; or the code of the refusal."""
        try:
            return await self.do(deed)
        except ServiceError as refusal:
            return refusal.code

    async def do(self, deed: str) -> object:
        office, seat_id = self.box_office, self.seat_ids[0]
        match deed:
            case "reclaim":
                return await office.reclaim(self.order_id, self.buyer)
            case "change of owner":
                return (
                    await office.change_owner(seat_id, order_id=self.order_id, expected=self.buyer, new=new_id())
                ).status
            case "listing":
                return (await office.list_for_resale(seat_id, self.buyer, order_id=self.order_id)).status
            case "check-in":
                return (await office.check_in(scan_of(self.hall, seat_id, self.buyer))).result
            case _:
                return None

    async def statuses(self) -> list[str]:
        return await self.box_office.statuses(*self.seat_ids)


async def buy(box_office: PurchaseService, hall: Hall, *seat_ids: str) -> Order:
    buyer = new_id()
    sale = await box_office.sell(hall.event_id, *seat_ids, user_id=buyer)
    return Order(box_office=box_office, hall=hall, order_id=sale.hold_id, seat_ids=list(seat_ids), buyer=buyer)


@pytest.fixture
async def hall(box_office: PurchaseService) -> Hall:
    return await box_office.provision()


@pytest.fixture
def fan() -> str:
    return new_id()


class TestReclaim:
    async def test_frees_the_seats_and_tells_how_they_were(
        self, box_office: PurchaseService, hall: Hall, fan: str, database: Database
    ) -> None:
        sale = await box_office.sell(hall.event_id, *hall.seat_ids[1:4], user_id=fan)
        sold = [await box_office.seat(seat_id) for seat_id in hall.seat_ids[1:4]]

        assert await box_office.reclaim(sale.hold_id, fan) == sold

        assert await box_office.all_seats(hall.event_id) == list(hall.seats)
        assert {seat.order_id for seat in sold} == {sale.hold_id}
        assert (await box_office.owned_by(fan)).total == 0
        assert (await box_office.availability(hall.event_id))["CAT1"].available == 10
        assert await wrong_counts(database, hall.event_id) == []

    async def test_makes_adjacent_seats_that_are_found(self, box_office: PurchaseService, hall: Hall, fan: str) -> None:
        """Both rows were looked at in vain before; of the one where a seat came back that is forgotten."""
        await box_office.sell(hall.event_id, hall.seat_ids[1], hall.seat_ids[3])
        sale = await box_office.sell(hall.event_id, hall.seat_ids[7], user_id=fan)
        scattered = await box_office.reserve_best(hall.event_id, "CAT1", 3)
        assert [seat.seat_id for seat in scattered.seats] == hall.seat_ids[:5:2]
        await box_office.release(scattered.hold_id)

        await box_office.reclaim(sale.hold_id, fan)

        hold = await box_office.reserve_best(hall.event_id, "CAT1", 3)
        assert [seat.seat_id for seat in hold.seats] == hall.seat_ids[5:8]

    async def test_twice_is_once(self, box_office: PurchaseService, hall: Hall, fan: str) -> None:
        sale = await box_office.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        request_id = new_id()
        first = await box_office.reclaim(sale.hold_id, fan, request_id=request_id)
        await box_office.sell(hall.event_id, hall.seat_ids[0], user_id=fan)

        assert await box_office.reclaim(sale.hold_id, fan, request_id=request_id) == first

        assert await box_office.status(hall.seat_ids[0]) == "SOLD"
        other = box_office.reclaim(sale.hold_id, fan, is_forced=True, request_id=request_id)
        assert (await refused(other)).code == "IDEMPOTENCY_KEY_REUSED"

    async def test_of_an_order_without_seats_is_refused(
        self, box_office: PurchaseService, hall: Hall, fan: str
    ) -> None:
        hold = await box_office.reserve(hall.event_id, hall.seat_ids[0], user_id=fan)
        sale = await box_office.sell(hall.event_id, hall.seat_ids[1], user_id=fan)
        await box_office.reclaim(sale.hold_id, fan)

        for order_id in (new_id(), hold.hold_id, sale.hold_id):
            for is_forced in (False, True):
                refusal = await refused(box_office.reclaim(order_id, fan, is_forced=is_forced))
                assert (refusal.kind, refusal.code) == ("conflict", "SEAT_NOT_HELD")
        assert await box_office.statuses(*hall.seat_ids[:2]) == ["HELD", "AVAILABLE"]

    @pytest.mark.parametrize(
        ("deed", "code"),
        [
            ("check-in", "SEAT_UNAVAILABLE"),
            ("change of owner", "NOT_SEAT_OWNER"),
            ("listing", "SEAT_UNAVAILABLE"),
        ],
    )
    async def test_is_all_or_none(
        self, box_office: PurchaseService, hall: Hall, database: Database, *, deed: str, code: str
    ) -> None:
        order = await buy(box_office, hall, *hall.seat_ids[:3][::-1])
        await order.do(deed)
        before, request_id = await box_office.all_seats(hall.event_id), new_id()

        for _ in range(2):
            refusal = await refused(box_office.reclaim(order.order_id, order.buyer, request_id=request_id))
            assert (refusal.code, refusal.details) == (code, {"seat_ids": [hall.seat_ids[2]]})

        assert await box_office.all_seats(hall.event_id) == before
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("deed", ["nothing", "check-in", "change of owner"])
    async def test_by_force_does_not_ask_whose_they_are(
        self, box_office: PurchaseService, hall: Hall, database: Database, *, deed: str
    ) -> None:
        order = await buy(box_office, hall, *hall.seat_ids[:3])
        await order.do(deed)
        before = [await box_office.seat(seat_id) for seat_id in hall.seat_ids[:3]]

        assert await box_office.reclaim(order.order_id, order.buyer, is_forced=True) == before

        assert await box_office.all_seats(hall.event_id) == list(hall.seats)
        assert await wrong_counts(database, hall.event_id) == []

    async def test_by_force_leaves_what_is_listed(self, box_office: PurchaseService, hall: Hall) -> None:
        order = await buy(box_office, hall, *hall.seat_ids[:2])
        await order.do("listing")

        refusal = await refused(box_office.reclaim(order.order_id, order.buyer, is_forced=True))

        assert (refusal.code, refusal.details) == ("SEAT_UNAVAILABLE", {"seat_ids": [hall.seat_ids[0]]})
        assert await order.statuses() == ["LISTED", "SOLD"]

    async def test_makes_codes_at_the_door_worthless(self, box_office: PurchaseService, hall: Hall, fan: str) -> None:
        sale = await box_office.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        await box_office.check_in(scan_of(hall, hall.seat_ids[0], fan))
        await box_office.reclaim(sale.hold_id, fan, is_forced=True)

        assert (await box_office.check_in(scan_of(hall, hall.seat_ids[0], fan))).result == pb.UNPAID

    async def test_is_seen_on_live_seat_maps(
        self, box_office: PurchaseService, hall: Hall, fan: str, rabbitmq_url: str
    ) -> None:
        sale = await box_office.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        async with open_wire(rabbitmq_url) as wire:
            await box_office.reclaim(sale.hold_id, fan)
            await eventually(
                lambda: (
                    [{"seat_id": hall.seat_ids[0], "status": "AVAILABLE"}]
                    in [hint["seats"] for hint in wire.heard_of("seat.changed", hall.event_id)]
                )
            )


class TestReclaimMeets:
    """Either the order is taken back whole, or the other comes first and it is not taken back at all."""

    @pytest.fixture
    async def hall(self, box_office: PurchaseService) -> Hall:
        return await box_office.provision(rows("CAT1", "10.00", A=30, B=30))

    async def test_itself(self, box_office: PurchaseService, hall: Hall, fan: str, database: Database) -> None:
        for first in range(0, 20, 2):
            sale = await box_office.sell(hall.event_id, *hall.seat_ids[first : first + 2], user_id=fan)
            reclaimed, refusals = await outcomes([box_office.reclaim(sale.hold_id, fan) for _ in range(10)])
            assert len(reclaimed) == 1
            assert {refusal.code for refusal in refusals} == {"SEAT_NOT_HELD"}

            sale, request_id = await box_office.sell(hall.event_id, *hall.seat_ids[40:42], user_id=fan), new_id()
            reclaimed, refusals = await outcomes(
                [box_office.reclaim(sale.hold_id, fan, request_id=request_id) for _ in range(10)]
            )
            assert refusals == []
            assert all(seats == reclaimed[0] for seats in reclaimed)
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("is_first", [True, False])
    @pytest.mark.parametrize("deed", ["change of owner", "check-in", "listing"])
    async def test_what_somebody_does_with_one_seat(
        self, box_office: PurchaseService, hall: Hall, database: Database, *, deed: str, is_first: bool
    ) -> None:
        """Both wait for a seat's lock, in this order; whoever is second finds what the first one did."""
        order = await buy(box_office, hall, *sorted(hall.seat_ids[:2]))
        deeds = ["reclaim", deed] if is_first else [deed, "reclaim"]
        tasks: list[asyncio.Task[object]] = []
        async with locked_seat(database, order.seat_ids[0]):
            for begun in deeds:
                tasks.append(asyncio.create_task(order.result_of(begun)))
                await eventually(lambda: at_least_waiting(database, len(tasks)))
        results = dict(zip(deeds, [await task for task in tasks], strict=True))

        if is_first:
            assert isinstance(results["reclaim"], list)
            assert results[deed] in {"NOT_SEAT_OWNER", pb.UNPAID}
            assert await order.statuses() == ["AVAILABLE", "AVAILABLE"]
        else:
            assert results["reclaim"] == ("NOT_SEAT_OWNER" if deed == "change of owner" else "SEAT_UNAVAILABLE")
            assert "AVAILABLE" not in await order.statuses()
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("deed", ["change of owner", "check-in", "listing"])
    async def test_it_at_any_moment(
        self, box_office: PurchaseService, hall: Hall, database: Database, *, deed: str
    ) -> None:
        for first in range(0, 60, 2):
            order = await buy(box_office, hall, *hall.seat_ids[first : first + 2])
            reclaimed, done = await asyncio.gather(order.result_of("reclaim"), order.result_of(deed))

            if isinstance(reclaimed, list):
                assert done in {"NOT_SEAT_OWNER", pb.UNPAID}
                assert await order.statuses() == ["AVAILABLE", "AVAILABLE"]
            else:
                assert "AVAILABLE" not in await order.statuses()
        assert await wrong_counts(database, hall.event_id) == []
