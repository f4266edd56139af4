"""The status machine over the API: every pair of statuses, repeated, concurrent."""

import asyncio
import itertools

import pytest

from orders.ticket_orders.status import REACHED_FROM, OrderStatus
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller, new_id

ALL_PAIRS = list(itertools.product(OrderStatus, REACHED_FROM))
# Ending an order that ended that way is no transition: an undo may be repeated under another id.
REPEATED_ENDS = {(OrderStatus.FAILED, OrderStatus.FAILED), (OrderStatus.CANCELLED, OrderStatus.CANCELLED)}
LEGAL = {(from_status, to_status) for to_status, from_status in REACHED_FROM.items()}


@pytest.mark.parametrize(("from_status", "to_status"), sorted(LEGAL))
async def test_allowed_transition_succeeds(
    orders_caller: OrdersCaller, from_status: OrderStatus, to_status: OrderStatus
) -> None:
    body = await orders_caller.opened(status=from_status)

    answer = await orders_caller.move(body["order_id"], to_status, opened_by=body["request_id"])

    assert answer.status_code == 200
    assert answer.json()["data"]["status"] == to_status
    assert (await orders_caller.find(body["order_id"])).json()["data"]["status"] == to_status


@pytest.mark.parametrize(("from_status", "to_status"), sorted(set(ALL_PAIRS) - LEGAL - REPEATED_ENDS))
async def test_forbidden_transition_is_refused(
    orders_caller: OrdersCaller, from_status: OrderStatus, to_status: OrderStatus
) -> None:
    body = await orders_caller.opened(status=from_status)
    before = await orders_caller.find(body["order_id"])

    answer = await orders_caller.move(body["order_id"], to_status, opened_by=body["request_id"])

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "ORDER_INVALID_STATE"
    assert answer.json()["details"] == {"status": from_status}
    assert (await orders_caller.find(body["order_id"])).json() == before.json()


class TestConfirm:
    async def test_confirmation_time_is_stored(self, orders_caller: OrdersCaller) -> None:
        body = await orders_caller.opened()

        order = (await orders_caller.confirm(body["order_id"])).json()["data"]

        assert order["confirmed_at"] > order["created_at"]
        assert order["ended_at"] is None
        assert order["seats"] == [{**seat, "refunded_at": None} for seat in body["seats"]]
        assert (await orders_caller.find(body["order_id"])).json()["data"] == order

    async def test_an_unknown_order_is_refused(self, orders_caller: OrdersCaller) -> None:
        answer = await orders_caller.confirm(new_id())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "ORDER_NOT_FOUND"

    async def test_fifty_concurrent_repetitions_get_one_response(
        self, orders_caller: OrdersCaller, admin: Caller
    ) -> None:
        body, request_id = await orders_caller.opened(), new_id()

        answers = await asyncio.gather(
            *(orders_caller.confirm(body["order_id"], request_id=request_id) for _ in range(50))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        assert await _moves(admin, body["order_id"]) == ["PENDING", "CONFIRMED"]

    async def test_exactly_one_of_fifty_requests_confirms(self, orders_caller: OrdersCaller, admin: Caller) -> None:
        body = await orders_caller.opened()

        answers = await asyncio.gather(*(orders_caller.confirm(body["order_id"]) for _ in range(50)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
        assert await _moves(admin, body["order_id"]) == ["PENDING", "CONFIRMED"]

    async def test_refusal_is_stored(self, orders_caller: OrdersCaller) -> None:
        order_id, request_id = new_id(), new_id()
        early = await orders_caller.confirm(order_id, request_id=request_id)
        await orders_caller.opened(order_id=order_id)

        late = await orders_caller.confirm(order_id, request_id=request_id)

        assert early.status_code == late.status_code == 404
        assert early.json()["error_code"] == late.json()["error_code"]
        assert (await orders_caller.find(order_id)).json()["data"]["status"] == "PENDING"

    async def test_the_same_id_for_another_order_is_refused(self, orders_caller: OrdersCaller) -> None:
        first, second, request_id = await orders_caller.opened(), await orders_caller.opened(), new_id()
        await orders_caller.confirm(first["order_id"], request_id=request_id)

        answer = await orders_caller.confirm(second["order_id"], request_id=request_id)

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"
        assert (await orders_caller.find(second["order_id"])).json()["data"]["status"] == "PENDING"

    async def test_request_id_used_for_two_orders_at_once_serves_one(self, orders_caller: OrdersCaller) -> None:
        for _ in range(20):
            known, unknown, request_id = (await orders_caller.opened())["order_id"], new_id(), new_id()

            answers = await asyncio.gather(
                *(orders_caller.confirm(each, request_id=request_id) for each in (known, unknown))
            )

            statuses = [answer.status_code for answer in answers]
            assert statuses in ([200, 422], [422, 404])

    async def test_request_id_of_an_opening_cannot_confirm(self, orders_caller: OrdersCaller) -> None:
        body = await orders_caller.opened()

        answer = await orders_caller.confirm(body["order_id"], request_id=body["request_id"])

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"


class TestRefund:
    async def test_refund_time_and_reason_are_stored(self, orders_caller: OrdersCaller) -> None:
        body = await orders_caller.opened(status=OrderStatus.CONFIRMED)

        order = (await orders_caller.refund(body["order_id"], reason="  Rained out  ")).json()["data"]

        assert order["status"] == "REFUNDED"
        assert order["reason"] == "Rained out"
        assert order["ended_at"] > order["confirmed_at"]

    async def test_fifty_concurrent_repetitions_get_one_response(
        self, orders_caller: OrdersCaller, admin: Caller
    ) -> None:
        body, request_id = await orders_caller.opened(status=OrderStatus.CONFIRMED), new_id()

        answers = await asyncio.gather(
            *(orders_caller.refund(body["order_id"], request_id=request_id) for _ in range(50))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        assert await _moves(admin, body["order_id"]) == ["PENDING", "CONFIRMED", "REFUNDED"]

    async def test_request_id_with_another_reason_is_refused(self, orders_caller: OrdersCaller) -> None:
        body, request_id = await orders_caller.opened(status=OrderStatus.CONFIRMED), new_id()
        await orders_caller.refund(body["order_id"], request_id=request_id)

        answer = await orders_caller.refund(body["order_id"], request_id=request_id, reason="Something else")

        assert answer.status_code == 422

    async def test_an_unknown_order_is_refused(self, orders_caller: OrdersCaller) -> None:
        answer = await orders_caller.refund(new_id())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "ORDER_NOT_FOUND"


class TestFind:
    async def test_an_unknown_order(self, orders_caller: OrdersCaller) -> None:
        answer = await orders_caller.find(new_id())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "ORDER_NOT_FOUND"

    async def test_a_malformed_id(self, orders_caller: OrdersCaller) -> None:
        answer = await orders_caller.find("42")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"


async def _moves(admin: Caller, order_id: str) -> list[str]:
    shown = await admin.get(f"/api/orders/{order_id}")
    return [entry["to_status"] for entry in shown.json()["data"]["history"]]
