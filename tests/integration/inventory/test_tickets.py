"""Owned seats: read, transferred, listed for resale."""

import asyncio
from collections.abc import Awaitable

import pytest

from common.db.engine import Database
from common.errors import Forbidden, ServiceError
from proto.inventory.v1 import inventory_pb2 as pb
from tests.integration.inventory.inventory_caller import Hall, InventoryCaller, new_id, refused, scan_of
from tests.integration.inventory.tables import wrong_counts


class TestOwnedSeats:
    async def test_are_newest_first_in_pages(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        user_id = new_id()
        for seat_id in hall.seat_ids[:5]:
            await inventory_caller.sell(hall.event_id, seat_id, user_id=user_id)
        await inventory_caller.sell(hall.event_id, hall.seat_ids[5])
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[6], user_id=user_id)

        pages = [await inventory_caller.owned_by(user_id, offset=offset, limit=2) for offset in (0, 2, 4, 6)]

        assert [seat.seat_id for page in pages for seat in page.seats] == hall.seat_ids[:5][::-1]
        assert {page.total for page in pages} == {5}

    async def test_user_without_tickets_owns_no_seats(self, inventory_caller: InventoryCaller) -> None:
        answer = await inventory_caller.owned_by(new_id())
        assert (list(answer.seats), answer.total) == ([], 0)

    @pytest.mark.parametrize(("offset", "limit"), [(-1, 1), (0, -1), (0, 5_001)])
    async def test_parameters_are_bounded(self, inventory_caller: InventoryCaller, offset: int, limit: int) -> None:
        assert (
            await refused(inventory_caller.owned_by(new_id(), offset=offset, limit=limit))
        ).code == "VALIDATION_ERROR"


class TestChangeOwner:
    async def test_ticket_gets_the_new_owner(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database
    ) -> None:
        seller, buyer = new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=seller)

        seat = await inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=buyer, price_paid="120.00")

        assert (seat.owner_user_id, seat.price_paid, seat.price) == (buyer, "120.00", "350.00")
        assert seat == await inventory_caller.seat(hall.seat_ids[0])
        assert (await inventory_caller.owned_by(seller)).total == 0
        assert (await inventory_caller.owned_by(buyer)).total == 1
        assert await wrong_counts(database, hall.event_id) == []

    async def test_unexpected_owner_is_refused(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0])
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[1])
        for seat_id in hall.seat_ids[:3]:
            refusal = await refused(inventory_caller.change_owner(seat_id, expected=new_id(), new=new_id()))
            assert isinstance(refusal, Forbidden)
            assert refusal.code == "NOT_SEAT_OWNER"
        assert (await refused(inventory_caller.change_owner(new_id(), expected=new_id(), new=new_id()))).code == (
            "SEAT_NOT_FOUND"
        )

    async def test_used_ticket_is_refused(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        owner = new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=owner)
        await inventory_caller.check_in(scan_of(hall, hall.seat_ids[0], owner))

        refusal = await refused(inventory_caller.change_owner(hall.seat_ids[0], expected=owner, new=new_id()))
        assert (refusal.kind, refusal.code) == ("conflict", "SEAT_UNAVAILABLE")
        assert (await refused(inventory_caller.list_for_resale(hall.seat_ids[0], owner))).code == "SEAT_UNAVAILABLE"

    async def test_unexpected_state_is_refused(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        owner, buyer = new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=owner)

        await self.refuse_state(inventory_caller, hall.seat_ids[0], owner, pb.LISTED)
        await inventory_caller.list_for_resale(hall.seat_ids[0], owner)
        await self.refuse_state(inventory_caller, hall.seat_ids[0], owner, pb.SOLD)
        undo = await inventory_caller.change_owner(
            hall.seat_ids[0], expected=buyer, new=owner, expected_status=pb.SOLD, undoes_request_id=new_id()
        )

        assert (undo.status, undo.owner_user_id) == (pb.LISTED, owner)

    async def refuse_state(
        self, inventory_caller: InventoryCaller, seat_id: str, owner: str, expected: pb.SeatStatus.ValueType
    ) -> None:
        before = await inventory_caller.seat(seat_id)
        refusal = await refused(
            inventory_caller.change_owner(seat_id, expected=owner, new=new_id(), expected_status=expected)
        )
        assert (refusal.code, refusal.details) == (
            "SEAT_UNAVAILABLE",
            {"status": await inventory_caller.status(seat_id)},
        )
        assert await inventory_caller.seat(seat_id) == before

    @pytest.mark.parametrize("status", [pb.SEAT_STATUS_UNSPECIFIED, pb.AVAILABLE, pb.HELD, pb.CHECKED_IN, 99])
    async def test_state_that_cannot_change_owner_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, status: pb.SeatStatus.ValueType
    ) -> None:
        owner = new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=owner)
        refusal = await refused(
            inventory_caller.change_owner(hall.seat_ids[0], expected=owner, new=new_id(), expected_status=status)
        )
        assert (refusal.kind, refusal.details) == ("invalid_request", {"field": "expected_status"})

    async def test_missing_price_is_refused(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        refusal = await refused(
            inventory_caller.change_owner(hall.seat_ids[0], expected=new_id(), new=new_id(), price_paid="much")
        )
        assert refusal.code == "VALIDATION_ERROR"

    async def test_concurrent_changes_have_one_winner(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        seller = new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=seller)

        ended = await asyncio.gather(
            *(inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=new_id()) for _ in range(20)),
            return_exceptions=True,
        )

        won = [end for end in ended if isinstance(end, pb.Seat)]
        assert len(won) == 1
        assert {end.code for end in ended if isinstance(end, ServiceError)} == {"NOT_SEAT_OWNER"}
        assert (await inventory_caller.seat(hall.seat_ids[0])).owner_user_id == won[0].owner_user_id

    async def test_twice_is_once(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        seller, buyer, request_id = new_id(), new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=seller)
        first = await inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=buyer, request_id=request_id)
        await inventory_caller.change_owner(hall.seat_ids[0], expected=buyer, new=new_id())

        again = await inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=buyer, request_id=request_id)

        assert again == first


class TestResoldSeat:
    """A ticket is a seat and an order: an action on the old order does not affect the new one."""

    @pytest.fixture
    async def old_order_id(self, inventory_caller: InventoryCaller, hall: Hall, fan: str) -> str:
        """The fan owns the seat again by a second order; this is the first one."""
        sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        await inventory_caller.reclaim(sale.hold_id, fan)
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
        return sale.hold_id

    async def test_actions_for_the_old_order_are_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, old_order_id: str
    ) -> None:
        seat_id = hall.seat_ids[0]

        async def refuse(call: Awaitable[object]) -> None:
            before = await inventory_caller.seat(seat_id)
            refusal = await refused(call)
            assert (refusal.code, refusal.public_message) == ("NOT_SEAT_OWNER", "The seat has been sold again.")
            assert await inventory_caller.seat(seat_id) == before

        await refuse(inventory_caller.change_owner(seat_id, order_id=old_order_id, expected=fan, new=new_id()))
        await refuse(inventory_caller.list_for_resale(seat_id, fan, order_id=old_order_id))
        await inventory_caller.list_for_resale(seat_id, fan)
        await refuse(inventory_caller.withdraw_from_resale(seat_id, fan, order_id=old_order_id))
        await refuse(
            inventory_caller.change_owner(
                seat_id, order_id=old_order_id, expected=fan, new=new_id(), expected_status=pb.LISTED
            )
        )

    async def test_undo_for_the_old_order_is_refused(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, old_order_id: str
    ) -> None:
        undo = inventory_caller.change_owner(
            hall.seat_ids[0], order_id=old_order_id, expected=new_id(), new=fan, undoes_request_id=new_id()
        )
        assert (await refused(undo)).code == "NOT_SEAT_OWNER"

    async def test_order_is_kept_across_owners(
        self, inventory_caller: InventoryCaller, hall: Hall, fan: str, old_order_id: str
    ) -> None:
        order_id, friend = (await inventory_caller.seat(hall.seat_ids[0])).order_id, new_id()
        assert order_id != old_order_id
        for owner, new in ((fan, friend), (friend, fan)):
            seat = await inventory_caller.change_owner(hall.seat_ids[0], order_id=order_id, expected=owner, new=new)
            assert (seat.owner_user_id, seat.order_id) == (new, order_id)


async def test_the_order_must_be_named(inventory_caller: InventoryCaller, hall: Hall) -> None:
    for order_id in ("", "x"):
        calls = [
            inventory_caller.change_owner(hall.seat_ids[0], order_id=order_id, expected=new_id(), new=new_id()),
            inventory_caller.list_for_resale(hall.seat_ids[0], new_id(), order_id=order_id),
            inventory_caller.withdraw_from_resale(hall.seat_ids[0], new_id(), order_id=order_id),
        ]
        refusals = [await refused(call) for call in calls]
        assert [(refusal.kind, refusal.code) for refusal in refusals] == [("invalid_request", "INVALID_UUID")] * 3


class TestUndoOfChangeOwner:
    async def test_undo_restores_the_owner(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        seller, buyer, action = new_id(), new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=seller)
        await inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=buyer, request_id=action)

        undo = new_id()
        for _ in range(2):
            seat = await inventory_caller.change_owner(
                hall.seat_ids[0], expected=buyer, new=seller, request_id=undo, undoes_request_id=action
            )
            assert seat.owner_user_id == seller

    async def test_undo_before_the_change_succeeds_and_refuses_the_late_change(
        self, inventory_caller: InventoryCaller, hall: Hall
    ) -> None:
        seller, buyer, action = new_id(), new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=seller)

        seat = await inventory_caller.change_owner(
            hall.seat_ids[0], expected=buyer, new=seller, undoes_request_id=action
        )

        assert (seat.owner_user_id, seat.price_paid) == (seller, "350.00")
        refusal = await refused(
            inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=buyer, request_id=action)
        )
        assert refusal.code == "REQUEST_UNDONE"

    async def test_undo_is_refused_after_a_later_change_of_owner(
        self, inventory_caller: InventoryCaller, hall: Hall
    ) -> None:
        seller, buyer, third, action = new_id(), new_id(), new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=seller)
        await inventory_caller.change_owner(hall.seat_ids[0], expected=seller, new=buyer, request_id=action)
        await inventory_caller.change_owner(hall.seat_ids[0], expected=buyer, new=third)

        refusal = await refused(
            inventory_caller.change_owner(hall.seat_ids[0], expected=buyer, new=seller, undoes_request_id=action)
        )
        assert refusal.code == "NOT_SEAT_OWNER"


class TestResale:
    async def test_a_ticket_is_listed_and_withdrawn_by_its_owner(
        self, inventory_caller: InventoryCaller, hall: Hall, database: Database
    ) -> None:
        owner, request_id = new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=owner)

        for _ in range(2):
            listed = await inventory_caller.list_for_resale(hall.seat_ids[0], owner, request_id=request_id)
            assert listed.status == pb.LISTED
        assert (await refused(inventory_caller.list_for_resale(hall.seat_ids[0], owner))).code == "SEAT_UNAVAILABLE"
        assert (
            await refused(inventory_caller.withdraw_from_resale(hall.seat_ids[0], new_id()))
        ).code == "NOT_SEAT_OWNER"
        assert (await inventory_caller.availability(hall.event_id))["CAT1"].sold == 1

        assert (await inventory_caller.withdraw_from_resale(hall.seat_ids[0], owner)).status == pb.SOLD
        assert (
            await refused(inventory_caller.withdraw_from_resale(hall.seat_ids[0], owner))
        ).code == "SEAT_UNAVAILABLE"
        assert await wrong_counts(database, hall.event_id) == []

    async def test_listed_ticket_is_resold(self, inventory_caller: InventoryCaller, hall: Hall) -> None:
        owner, buyer = new_id(), new_id()
        await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=owner)
        await inventory_caller.list_for_resale(hall.seat_ids[0], owner)

        seat = await inventory_caller.change_owner(
            hall.seat_ids[0], expected=owner, new=buyer, expected_status=pb.LISTED
        )

        assert (seat.status, seat.owner_user_id) == (pb.SOLD, buyer)

    @pytest.mark.parametrize("number", [0, 1])
    async def test_a_seat_without_an_owner_cannot_be_listed(
        self, inventory_caller: InventoryCaller, hall: Hall, number: int
    ) -> None:
        await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        refusal = await refused(inventory_caller.list_for_resale(hall.seat_ids[number], new_id()))
        assert refusal.code == "NOT_SEAT_OWNER"


async def test_an_unknown_seat_is_not_found(inventory_caller: InventoryCaller) -> None:
    assert (await refused(inventory_caller.seat(new_id()))).code == "SEAT_NOT_FOUND"
    assert (await refused(inventory_caller.seat("x"))).code == "INVALID_UUID"
    assert (await refused(inventory_caller.list_for_resale(new_id(), new_id()))).code == "SEAT_NOT_FOUND"
