"""Refunds of some seats of an order: each seat is refunded once, and a dispute holds up its own seat only."""

import asyncio
import uuid
from typing import Any, Final

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from orders.ticket_orders.status import OrderStatus
from tests.integration.orders.deal_caller import ListingCaller, TransferCaller
from tests.integration.orders.orders_caller import OrdersCaller, a_seat
from tests.integration.orders.test_refunds import code_of, dispute, paid
from tests.support.callers import new_id

FINGERPRINT: Final = text("SELECT fingerprint FROM requests WHERE request_id = :request_id")
PREVIOUS_QUESTIONS: Final = text(
    "SELECT has_dispute(:order_id) AS has_dispute, is_given_back(:order_id) AS is_given_back"
)


@pytest.fixture
async def order(orders_caller: OrdersCaller) -> dict[str, Any]:
    """A paid order of three seats."""
    seats = [a_seat(seat_number=number) for number in (1, 2, 3)]
    return await orders_caller.opened(status=OrderStatus.CONFIRMED, seats=seats, total="1050.00")


def seat_ids_of(order: dict[str, Any]) -> list[str]:
    return [seat["seat_id"] for seat in order["seats"]]


async def refunded_seats(orders_caller: OrdersCaller, order_id: str) -> tuple[str, set[str]]:
    """Return the order's status and its refunded seats."""
    found = (await orders_caller.find(order_id)).json()["data"]
    return found["status"], {seat["seat_id"] for seat in found["seats"] if seat["refunded_at"] is not None}


class TestSeats:
    async def test_order_is_refunded_with_its_last_seat(
        self, orders_caller: OrdersCaller, order: dict[str, Any]
    ) -> None:
        order_id, (first, *others) = order["order_id"], seat_ids_of(order)
        await orders_caller.begin_seat_refund(order_id, first)
        assert (await orders_caller.refund_seats(order_id, first)).json()["data"]["status"] == "CONFIRMED"
        assert await refunded_seats(orders_caller, order_id) == ("CONFIRMED", {first})

        await orders_caller.begin_seat_refund(order_id, *others)
        assert (await orders_caller.refund_seats(order_id, *others)).json()["data"]["status"] == "REFUNDED"
        assert await refunded_seats(orders_caller, order_id) == ("REFUNDED", {first, *others})

    async def test_whole_refund_shows_all_seats_as_refunded(
        self, orders_caller: OrdersCaller, order: dict[str, Any]
    ) -> None:
        order_id = order["order_id"]
        await orders_caller.begin_refund(order_id)
        await orders_caller.refund(order_id)
        assert await refunded_seats(orders_caller, order_id) == ("REFUNDED", set(seat_ids_of(order)))

    async def test_every_call_can_be_repeated(self, orders_caller: OrdersCaller, order: dict[str, Any]) -> None:
        order_id, (first, second, _) = order["order_id"], seat_ids_of(order)
        begun, made = new_id(), new_id()
        for call, request_id in ((orders_caller.begin_seat_refund, begun), (orders_caller.refund_seats, made)):
            answers = [await call(order_id, first, request_id=request_id) for _ in range(2)]
            assert answers[0].json() == answers[1].json()
            assert answers[0].status_code == 200
            other = await call(order_id, second, request_id=request_id)
            assert code_of(other) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_seat_is_refunded_once(self, orders_caller: OrdersCaller, order: dict[str, Any]) -> None:
        order_id, (first, second, _) = order["order_id"], seat_ids_of(order)
        await orders_caller.begin_seat_refund(order_id, first)
        for seats in ([first], [first, second]):
            assert code_of(await orders_caller.begin_seat_refund(order_id, *seats)) == (409, "ORDER_INVALID_STATE")
        assert code_of(await orders_caller.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")
        await orders_caller.refund_seats(order_id, first)
        assert code_of(await orders_caller.refund_seats(order_id, first)) == (409, "ORDER_INVALID_STATE")
        assert code_of(await orders_caller.begin_seat_refund(order_id, first)) == (409, "ORDER_INVALID_STATE")
        assert (await orders_caller.begin_seat_refund(order_id, second)).status_code == 200

    async def test_no_seat_is_refunded_after_a_whole_refund_has_begun(
        self, orders_caller: OrdersCaller, order: dict[str, Any]
    ) -> None:
        order_id, (first, *_) = order["order_id"], seat_ids_of(order)
        await orders_caller.begin_refund(order_id)
        assert code_of(await orders_caller.begin_seat_refund(order_id, first)) == (409, "ORDER_INVALID_STATE")
        await orders_caller.refund(order_id)
        assert code_of(await orders_caller.begin_seat_refund(order_id, first)) == (409, "ORDER_INVALID_STATE")

    async def test_seat_without_a_begun_refund_is_not_refunded(
        self, orders_caller: OrdersCaller, order: dict[str, Any]
    ) -> None:
        refused = await orders_caller.refund_seats(order["order_id"], seat_ids_of(order)[0])
        assert code_of(refused) == (409, "ORDER_INVALID_STATE")
        assert code_of(await orders_caller.refund_seats(new_id(), new_id())) == (404, "ORDER_NOT_FOUND")

    async def test_check_in_sees_a_refunded_seat(self, orders_caller: OrdersCaller, order: dict[str, Any]) -> None:
        order_id, (first, second, _) = order["order_id"], seat_ids_of(order)
        await orders_caller.begin_seat_refund(order_id, first)
        await orders_caller.refund_seats(order_id, first)
        answers = [await orders_caller.orchestrator.get(f"/internal/orders/by-seat/{seat}") for seat in (first, second)]
        assert [answer.json()["data"]["status"] for answer in answers] == ["REFUNDED", "CONFIRMED"]
        again = await orders_caller.opened(status=OrderStatus.CONFIRMED, seats=[a_seat(seat_id=first)], total="350.00")
        resold = await orders_caller.orchestrator.get(f"/internal/orders/by-seat/{first}")
        assert (resold.json()["data"]["order_id"], resold.json()["data"]["status"]) == (again["order_id"], "CONFIRMED")


class TestAbandoning:
    async def test_abandoned_seats_can_be_refunded(self, orders_caller: OrdersCaller, order: dict[str, Any]) -> None:
        order_id, (first, second, _), begun, undo = order["order_id"], seat_ids_of(order), new_id(), new_id()
        await orders_caller.begin_seat_refund(order_id, second)
        await orders_caller.begin_seat_refund(order_id, first, request_id=begun)
        for _ in range(2):
            abandoned = await orders_caller.abandon_refund(order_id, undoes=begun, request_id=undo)
            assert abandoned.json()["data"]["status"] == "CONFIRMED"
        assert (await orders_caller.begin_seat_refund(order_id, first)).status_code == 200
        assert code_of(await orders_caller.begin_seat_refund(order_id, second)) == (409, "ORDER_INVALID_STATE")

    async def test_beginning_after_its_undo_is_refused(
        self, orders_caller: OrdersCaller, order: dict[str, Any]
    ) -> None:
        order_id, (first, *_), late = order["order_id"], seat_ids_of(order), new_id()
        await orders_caller.abandon_refund(order_id, undoes=late)
        refused = await orders_caller.begin_seat_refund(order_id, first, request_id=late)
        assert code_of(refused) == (409, "REQUEST_UNDONE")

    async def test_refunded_seats_cannot_be_abandoned(self, orders_caller: OrdersCaller, order: dict[str, Any]) -> None:
        order_id, (first, *_), begun = order["order_id"], seat_ids_of(order), new_id()
        await orders_caller.begin_seat_refund(order_id, first, request_id=begun)
        await orders_caller.refund_seats(order_id, first)
        assert code_of(await orders_caller.abandon_refund(order_id, undoes=begun)) == (409, "ORDER_INVALID_STATE")


class TestDisputes:
    async def test_disputed_seat_does_not_hold_up_the_others(
        self, orders_caller: OrdersCaller, transfers: TransferCaller, order: dict[str, Any]
    ) -> None:
        order_id, (disputed, *others) = order["order_id"], seat_ids_of(order)
        await transfers.at("DISPUTED", order_id=order_id, seat_id=disputed)
        refused = await orders_caller.begin_seat_refund(order_id, disputed, others[0])
        assert code_of(refused) == (409, "TRANSFER_INVALID_STATE")
        assert code_of(await orders_caller.begin_refund(order_id)) == (409, "TRANSFER_INVALID_STATE")
        assert (await orders_caller.begin_seat_refund(order_id, *others)).status_code == 200

    async def test_only_the_seat_whose_refund_has_begun_cannot_be_disputed(
        self, orders_caller: OrdersCaller, transfers: TransferCaller, order: dict[str, Any]
    ) -> None:
        order_id, seat_ids = order["order_id"], seat_ids_of(order)
        first, second = [
            await transfers.at("COMPLETED", order_id=order_id, seat_id=seat_id) for seat_id in seat_ids[:2]
        ]
        await orders_caller.begin_seat_refund(order_id, seat_ids[0])
        assert code_of(await dispute(transfers, first.key)) == (409, "TRANSFER_INVALID_STATE")
        assert (await dispute(transfers, second.key)).status_code == 200
        await orders_caller.refund_seats(order_id, seat_ids[0])
        assert code_of(await dispute(transfers, first.key)) == (409, "TRANSFER_INVALID_STATE")


class TestRefundable:
    async def test_seats_neither_refunded_nor_disputed_are_refundable(
        self, orders_caller: OrdersCaller, transfers: TransferCaller, order: dict[str, Any]
    ) -> None:
        order_id, (first, second, third) = order["order_id"], sorted(seat_ids_of(order))
        assert await orders_caller.refundable(order_id) == {
            "order_id": order_id, "seat_ids": [first, second, third],
        }  # fmt: skip
        await orders_caller.begin_seat_refund(order_id, first)
        await transfers.at("DISPUTED", order_id=order_id, seat_id=second)
        assert await orders_caller.refundable(order_id) == {
            "order_id": order_id, "seat_ids": [third],
        }  # fmt: skip

    async def test_unpaid_refunded_and_unknown_orders_have_no_refundable_seats(
        self, orders_caller: OrdersCaller, order: dict[str, Any]
    ) -> None:
        await orders_caller.begin_refund(order["order_id"])
        pending = await orders_caller.opened()
        for order_id in (order["order_id"], pending["order_id"], new_id()):
            assert (await orders_caller.refundable(order_id))["seat_ids"] == []

    async def test_event_lists_orders_with_refundable_seats_oldest_first(
        self, orders_caller: OrdersCaller, transfers: TransferCaller
    ) -> None:
        event_id = new_id()
        orders = [await orders_caller.opened(status=OrderStatus.CONFIRMED, event_id=event_id) for _ in range(5)]
        ids = [order["order_id"] for order in orders]
        await orders_caller.begin_refund(ids[0])
        for seat_id in seat_ids_of(orders[1]):
            await transfers.at("DISPUTED", order_id=ids[1], seat_id=seat_id)
        await orders_caller.begin_seat_refund(ids[2], seat_ids_of(orders[2])[0])

        async def listed(**query: str) -> list[tuple[str, int]]:
            answer = await orders_caller.orchestrator.get("/internal/orders/refundable", event_id=event_id, **query)
            return [(row["order_id"], len(row["seat_ids"])) for row in answer.json()["data"]]

        assert await listed() == [(ids[2], 1), (ids[3], 2), (ids[4], 2)]
        assert await listed(limit="1", offset="1") == [(ids[3], 2)]


async def test_owner_changes_are_the_completed_ones_in_order(
    orders_caller: OrdersCaller, transfers: TransferCaller, listings: ListingCaller
) -> None:
    order_id = await paid(orders_caller)
    ticket = {"order_id": order_id, "seat_id": new_id()}
    for status in ("FAILED", "REVERSED"):
        await transfers.at(status, **ticket)
    first = await transfers.at("COMPLETED", **ticket, credits_amount="310.00")
    second = await listings.at("COMPLETED", **ticket, asking_price="320.00", seller_user_id=first.body["buyer_user_id"])
    await transfers.at("PENDING_OTP", **ticket)
    await transfers.at("COMPLETED", order_id=new_id(), seat_id=ticket["seat_id"])

    answer = await orders_caller.orchestrator.get(f"/internal/orders/{order_id}/owner-changes")
    assert [(change["seller_user_id"], change["price"]) for change in answer.json()["data"]] == [
        (first.body["seller_user_id"], "310.00"),
        (second.body["seller_user_id"], "320.00"),
    ]


class TestRaces:
    async def test_overlapping_refunds_have_one_winner(self, orders_caller: OrdersCaller) -> None:
        for _ in range(20):
            order = await orders_caller.opened(status=OrderStatus.CONFIRMED)
            order_id, (first, second) = order["order_id"], seat_ids_of(order)
            answers = await asyncio.gather(
                orders_caller.begin_refund(order_id),
                orders_caller.begin_seat_refund(order_id, first),
                orders_caller.begin_seat_refund(order_id, first, second),
                orders_caller.begin_seat_refund(order_id, second),
            )
            outcomes = tuple(answer.status_code for answer in answers)
            assert outcomes in {(200, 409, 409, 409), (409, 200, 409, 200), (409, 409, 200, 409)}

    async def test_last_two_seats_refunded_at_once_end_the_order(self, orders_caller: OrdersCaller) -> None:
        for _ in range(20):
            order = await orders_caller.opened(status=OrderStatus.CONFIRMED)
            order_id, seat_ids = order["order_id"], seat_ids_of(order)
            for seat_id in seat_ids:
                await orders_caller.begin_seat_refund(order_id, seat_id)
            await asyncio.gather(*(orders_caller.refund_seats(order_id, seat_id) for seat_id in seat_ids))
            assert await refunded_seats(orders_caller, order_id) == ("REFUNDED", set(seat_ids))

    async def test_refund_and_dispute_of_one_seat_have_exactly_one_winner(
        self, orders_caller: OrdersCaller, transfers: TransferCaller
    ) -> None:
        for _ in range(20):
            order = await orders_caller.opened(status=OrderStatus.CONFIRMED)
            order_id, (first, second) = order["order_id"], seat_ids_of(order)
            deal = await transfers.at("COMPLETED", order_id=order_id, seat_id=first)
            begun, other, disputed = await asyncio.gather(
                orders_caller.begin_seat_refund(order_id, first),
                orders_caller.begin_seat_refund(order_id, second),
                dispute(transfers, deal.key),
            )
            assert other.status_code == 200
            assert sorted((begun.status_code, disputed.status_code)) == [200, 409]


class TestPreviousRelease:
    """The previous release runs beside this one during a deployment, and has left requests and refunds behind."""

    async def test_fingerprint_of_a_whole_refund_is_unchanged(
        self, orders_caller: OrdersCaller, database: Database, order: dict[str, Any]
    ) -> None:
        order_id, request_id = uuid.UUID(order["order_id"]), uuid.uuid4()
        await orders_caller.begin_refund(str(order_id), request_id=str(request_id))
        row = await database.fetch_one(FINGERPRINT, {"request_id": request_id})
        assert row is not None
        assert row["fingerprint"] == ParticipantRequest.of(request_id, "begin refund", order_id=order_id).fingerprint

    async def test_its_calls_respect_refunds_by_seat(
        self, orders_caller: OrdersCaller, database: Database, order: dict[str, Any]
    ) -> None:
        """They ask about the whole order."""
        await orders_caller.begin_seat_refund(order["order_id"], seat_ids_of(order)[0])
        row = await database.fetch_one(PREVIOUS_QUESTIONS, {"order_id": uuid.UUID(order["order_id"])})
        assert row == {"has_dispute": True, "is_given_back": True}
