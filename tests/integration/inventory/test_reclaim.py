"""Reclaiming an order's seats."""

import asyncio
from dataclasses import dataclass

import pytest

from common.db.engine import Database
from common.errors import ServiceError
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.broker_client import open_broker_client
from tests.integration.inventory.inventory_caller import Hall, InventoryCaller, new_id, outcomes, refused, rows, scan_of
from tests.integration.inventory.tables import locked_seat, waiting_for_locks, wrong_counts
from tests.support.waiting import eventually


@dataclass(frozen=True, kw_only=True)
class Order:
    """Seats of one order, and the actions on the first of them."""

    inventory_caller: InventoryCaller
    hall: Hall
    order_id: str
    seat_ids: list[str]
    buyer: str

    async def attempt_result(self, action: str) -> object:
        """Return the seats of a reclaim, the result of a check-in, a seat's new state; or the code of the refusal."""
        try:
            return await self.do(action)
        except ServiceError as refusal:
            return refusal.code

    async def do(self, action: str) -> object:
        caller, seat_id = self.inventory_caller, self.seat_ids[0]
        match action:
            case "reclaim":
                return await caller.reclaim(self.order_id, self.buyer)
            case "change of owner":
                return (
                    await caller.change_owner(seat_id, order_id=self.order_id, expected=self.buyer, new=new_id())
                ).status
            case "listing":
                return (await caller.list_for_resale(seat_id, self.buyer, order_id=self.order_id)).status
            case "check-in":
                return (await caller.check_in(scan_of(self.hall, seat_id, self.buyer))).result
            case _:
                return None

    async def statuses(self) -> list[str]:
        return await self.inventory_caller.statuses(*self.seat_ids)


async def buy(inventory_caller: InventoryCaller, hall: Hall, *seat_ids: str) -> Order:
    buyer = new_id()
    sale = await inventory_caller.sell(hall.event_id, *seat_ids, user_id=buyer)
    return Order(
        inventory_caller=inventory_caller, hall=hall, order_id=sale.hold_id, seat_ids=list(seat_ids), buyer=buyer
    )


class TestReclaim:
    async def test_frees_the_seats_and_returns_their_former_state(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        sale = await inventory_caller.sell(hall.event_id, *hall.seat_ids[1:4], user_id=fan)
        sold = [await inventory_caller.seat(seat_id) for seat_id in hall.seat_ids[1:4]]

        assert await inventory_caller.reclaim(sale.hold_id, fan) == sold

        assert await inventory_caller.all_seats(hall.event_id) == list(hall.seats)
        assert {seat.order_id for seat in sold} == {sale.hold_id}
        assert (await inventory_caller.owned_by(fan)).total == 0
        assert (await inventory_caller.availability(hall.event_id))["CAT1"].available == 10
        assert await wrong_counts(database, hall.event_id) == []

    async def test_reclaimed_seats_are_found_as_adjacent(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        """Both rows were searched in vain before; the result of the row with the reclaimed seat is cleared."""
        await inventory_caller.sell(hall.event_id, hall.seat_ids[1], hall.seat_ids[3])
        sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[7], user_id=fan)
        scattered = await inventory_caller.reserve_best(hall.event_id, "CAT1", 3)
        assert [seat.seat_id for seat in scattered.seats] == hall.seat_ids[:5:2]
        await inventory_caller.release(scattered.hold_id)

        await inventory_caller.reclaim(sale.hold_id, fan)

        hold = await inventory_caller.reserve_best(hall.event_id, "CAT1", 3)
        assert [seat.seat_id for seat in hold.seats] == hall.seat_ids[5:8]

    async def test_twice_is_once(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> None:
        sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        request_id = new_id()
        first = await inventory_caller.reclaim(sale.hold_id, fan, request_id=request_id)
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)

        assert await inventory_caller.reclaim(sale.hold_id, fan, request_id=request_id) == first

        assert await inventory_caller.status(hall.seat_ids[0]) == "SOLD"
        other = inventory_caller.reclaim(sale.hold_id, fan, is_forced=True, request_id=request_id)
        assert (await refused(other)).code == "IDEMPOTENCY_KEY_REUSED"

    async def test_of_an_order_without_seats_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], user_id=fan)
        sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[1], user_id=fan)
        await inventory_caller.reclaim(sale.hold_id, fan)

        for order_id in (new_id(), hold.hold_id, sale.hold_id):
            for is_forced in (False, True):
                refusal = await refused(inventory_caller.reclaim(order_id, fan, is_forced=is_forced))
                assert (refusal.kind, refusal.code) == ("conflict", "SEAT_NOT_HELD")
        assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["HELD", "AVAILABLE"]

    @pytest.mark.parametrize(
        ("action", "code"),
        [
            ("check-in", "SEAT_UNAVAILABLE"),
            ("change of owner", "NOT_SEAT_OWNER"),
            ("listing", "SEAT_UNAVAILABLE"),
        ],
    )
    async def test_reclaim_is_all_or_nothing(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database, *, action: str, code: str
    ) -> None:
        order = await buy(inventory_caller, hall, *hall.seat_ids[:3][::-1])
        await order.do(action)
        before, request_id = await inventory_caller.all_seats(hall.event_id), new_id()

        for _ in range(2):
            refusal = await refused(inventory_caller.reclaim(order.order_id, order.buyer, request_id=request_id))
            assert (refusal.code, refusal.details) == (code, {"seat_ids": [hall.seat_ids[2]]})

        assert await inventory_caller.all_seats(hall.event_id) == before
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("action", ["nothing", "check-in", "change of owner"])
    async def test_forced_reclaim_ignores_the_owner(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database, *, action: str
    ) -> None:
        order = await buy(inventory_caller, hall, *hall.seat_ids[:3])
        await order.do(action)
        before = [await inventory_caller.seat(seat_id) for seat_id in hall.seat_ids[:3]]

        assert await inventory_caller.reclaim(order.order_id, order.buyer, is_forced=True) == before

        assert await inventory_caller.all_seats(hall.event_id) == list(hall.seats)
        assert await wrong_counts(database, hall.event_id) == []

    async def test_forced_reclaim_keeps_listed_seats(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        order = await buy(inventory_caller, hall, *hall.seat_ids[:2])
        await order.do("listing")

        refusal = await refused(inventory_caller.reclaim(order.order_id, order.buyer, is_forced=True))

        assert (refusal.code, refusal.details) == ("SEAT_UNAVAILABLE", {"seat_ids": [hall.seat_ids[0]]})
        assert await order.statuses() == ["LISTED", "SOLD"]

    async def test_reclaimed_ticket_is_refused_at_check_in(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str
    ) -> None:
        sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))
        await inventory_caller.reclaim(sale.hold_id, fan, is_forced=True)

        assert (await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], fan))).result == pb.UNPAID

    async def test_is_seen_on_live_seat_maps(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, rabbitmq_url: str
    ) -> None:
        sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        async with open_broker_client(rabbitmq_url) as broker:
            await inventory_caller.reclaim(sale.hold_id, fan)
            await eventually(
                lambda: (
                    [{"seat_id": hall.seat_ids[0], "status": "AVAILABLE"}]
                    in [hint["seats"] for hint in broker.received_data("seat.changed", hall.event_id)]
                )
            )


class TestReclaimNamedSeats:
    async def test_frees_only_the_named_seats(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database
    ) -> None:
        order = await buy(inventory_caller, hall, *hall.seat_ids[:3])
        before = [await inventory_caller.seat(seat_id) for seat_id in order.seat_ids]
        freed = await inventory_caller.reclaim_named(order.order_id, order.buyer, *order.seat_ids[:2])
        assert freed == before[:2]
        assert {(seat.price_paid, seat.owner_user_id) for seat in freed} == {(before[0].price, order.buyer)}
        assert await order.statuses() == ["AVAILABLE", "AVAILABLE", "SOLD"]
        assert await inventory_caller.reclaim(order.order_id, order.buyer) == before[2:]
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("action", ["check-in", "change of owner", "listing"])
    async def test_other_seats_of_the_order_do_not_matter(
        self, inventory_caller: InventoryCaller, hall: Hall, *, action: str
    ) -> None:
        order = await buy(inventory_caller, hall, *hall.seat_ids[:2])
        await order.do(action)
        for _ in range(2):
            refusal = await refused(inventory_caller.reclaim_named(order.order_id, order.buyer, *order.seat_ids))
            assert refusal.details == {"seat_ids": order.seat_ids[:1]}
        await inventory_caller.reclaim_named(order.order_id, order.buyer, order.seat_ids[1])
        assert (await order.statuses())[1] == "AVAILABLE"
        assert (await order.statuses())[0] != "AVAILABLE"

    async def test_seat_that_is_not_the_orders_is_refused(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        order, other = [await buy(inventory_caller, hall, seat_id) for seat_id in hall.seat_ids[:2]]
        for is_forced in (False, True):
            refusal = await refused(
                inventory_caller.reclaim_named(
                    order.order_id, order.buyer, *order.seat_ids, *other.seat_ids, is_forced=is_forced
                )
            )
            assert (refusal.code, refusal.details) == ("SEAT_NOT_HELD", {"seat_ids": other.seat_ids})
        assert await order.statuses() == await other.statuses() == ["SOLD"]

    async def test_twice_is_once(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        order, request_id = await buy(inventory_caller, hall, *hall.seat_ids[:2]), new_id()
        ids = (order.order_id, order.buyer)
        first, again = [
            await inventory_caller.reclaim_named(*ids, order.seat_ids[0], request_id=request_id) for _ in range(2)
        ]
        assert first == again
        other = inventory_caller.reclaim_named(*ids, order.seat_ids[1], request_id=request_id)
        assert (await refused(other)).code == "IDEMPOTENCY_KEY_REUSED"

    async def test_no_seat_is_invalid(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        order = await buy(inventory_caller, hall, *hall.seat_ids[:2])
        assert (await refused(inventory_caller.reclaim_named(order.order_id, order.buyer))).kind == "invalid_request"
        assert await order.statuses() == ["SOLD", "SOLD"]


class TestReclaimRaces:
    """Either the order is reclaimed as a whole, or the other action comes first and the reclaim is refused."""

    @pytest.fixture
    async def hall(self, inventory_caller: InventoryCaller) -> Hall:
        return await inventory_caller.provision(rows("CAT1", "10.00", A=30, B=30))

    async def test_concurrent_reclaims(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, database: Database
    ) -> None:
        for first in range(0, 20, 2):
            sale = await inventory_caller.sell(hall.event_id, *hall.seat_ids[first : first + 2], user_id=fan)
            reclaimed, refusals = await outcomes([inventory_caller.reclaim(sale.hold_id, fan) for _ in range(10)])
            assert len(reclaimed) == 1
            assert {refusal.code for refusal in refusals} == {"SEAT_NOT_HELD"}

            sale, request_id = await inventory_caller.sell(hall.event_id, *hall.seat_ids[40:42], user_id=fan), new_id()
            reclaimed, refusals = await outcomes(
                [inventory_caller.reclaim(sale.hold_id, fan, request_id=request_id) for _ in range(10)]
            )
            assert refusals == []
            assert all(seats == reclaimed[0] for seats in reclaimed)
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("is_first", [True, False])
    @pytest.mark.parametrize("action", ["change of owner", "check-in", "listing"])
    async def test_another_action_on_one_seat(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database, *, action: str, is_first: bool
    ) -> None:
        """Both wait for a seat's lock in this order; the second one sees what the first one did."""
        order = await buy(inventory_caller, hall, *sorted(hall.seat_ids[:2]))
        actions = ["reclaim", action] if is_first else [action, "reclaim"]
        tasks: list[asyncio.Task[object]] = []
        async with locked_seat(database, order.seat_ids[0]):
            for begun in actions:
                tasks.append(asyncio.create_task(order.attempt_result(begun)))
                await eventually(lambda: waiting_for_locks(database, len(tasks)))
        results = dict(zip(actions, [await task for task in tasks], strict=True))

        if is_first:
            assert isinstance(results["reclaim"], list)
            assert results[action] in {"NOT_SEAT_OWNER", pb.UNPAID}
            assert await order.statuses() == ["AVAILABLE", "AVAILABLE"]
        else:
            assert results["reclaim"] == ("NOT_SEAT_OWNER" if action == "change of owner" else "SEAT_UNAVAILABLE")
            assert "AVAILABLE" not in await order.statuses()
        assert await wrong_counts(database, hall.event_id) == []

    @pytest.mark.parametrize("action", ["change of owner", "check-in", "listing"])
    async def test_another_action_at_any_moment(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database, *, action: str
    ) -> None:
        for first in range(0, 60, 2):
            order = await buy(inventory_caller, hall, *hall.seat_ids[first : first + 2])
            reclaimed, done = await asyncio.gather(order.attempt_result("reclaim"), order.attempt_result(action))

            if isinstance(reclaimed, list):
                assert done in {"NOT_SEAT_OWNER", pb.UNPAID}
                assert await order.statuses() == ["AVAILABLE", "AVAILABLE"]
            else:
                assert "AVAILABLE" not in await order.statuses()
        assert await wrong_counts(database, hall.event_id) == []
