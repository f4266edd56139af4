"""Either a refund begins, or a ticket of the order is disputed: never both."""

import asyncio
from typing import Any

import httpx

from orders.ticket_orders.status import OrderStatus
from tests.integration.orders.deal_caller import TransferCaller
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import new_id


async def paid(orders_caller: OrdersCaller) -> str:
    return str((await orders_caller.opened(status=OrderStatus.CONFIRMED))["order_id"])


def code_of(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json().get("error_code")


class TestBeginning:
    async def test_begin_refund_keeps_the_status_until_the_refund(self, orders_caller: OrdersCaller) -> None:
        order_id = await paid(orders_caller)
        before = (await orders_caller.find(order_id)).json()

        assert (await orders_caller.begin_refund(order_id)).json() == before
        assert (await orders_caller.refund(order_id)).status_code == 200

    async def test_second_request_is_refused_and_a_repetition_is_not(self, orders_caller: OrdersCaller) -> None:
        order_id, request_id = await paid(orders_caller), new_id()
        first, repeated = [await orders_caller.begin_refund(order_id, request_id=request_id) for _ in range(2)]
        assert first.json() == repeated.json()
        assert code_of(await orders_caller.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")

    async def test_unpaid_or_unknown_order_is_refused(self, orders_caller: OrdersCaller) -> None:
        for status in (OrderStatus.PENDING, OrderStatus.REFUNDED):
            order_id = (await orders_caller.opened(status=status))["order_id"]
            assert code_of(await orders_caller.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")
        assert code_of(await orders_caller.begin_refund(new_id())) == (404, "ORDER_NOT_FOUND")


class TestAbandoning:
    async def test_another_refund_can_begin_after_abandonment(self, orders_caller: OrdersCaller) -> None:
        order_id, begun = await paid(orders_caller), new_id()
        await orders_caller.begin_refund(order_id, request_id=begun)

        abandoned = await orders_caller.abandon_refund(order_id, undoes=begun)

        assert abandoned.json()["data"] == {"order_id": order_id, "status": "CONFIRMED"}
        assert (await orders_caller.begin_refund(order_id)).status_code == 200

    async def test_abandoning_before_the_request_refuses_the_late_request(self, orders_caller: OrdersCaller) -> None:
        order_id, late = await paid(orders_caller), new_id()
        assert (await orders_caller.abandon_refund(order_id, undoes=late)).status_code == 200
        assert code_of(await orders_caller.begin_refund(order_id, request_id=late)) == (409, "REQUEST_UNDONE")
        assert (await orders_caller.begin_refund(order_id)).status_code == 200

    async def test_refund_begun_by_another_request_is_kept(self, orders_caller: OrdersCaller) -> None:
        order_id = await paid(orders_caller)
        await orders_caller.begin_refund(order_id)
        assert (await orders_caller.abandon_refund(order_id, undoes=new_id())).status_code == 200
        assert code_of(await orders_caller.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")

    async def test_completed_refund_cannot_be_abandoned(self, orders_caller: OrdersCaller) -> None:
        order_id, begun = await paid(orders_caller), new_id()
        await orders_caller.begin_refund(order_id, request_id=begun)
        await orders_caller.refund(order_id)
        assert code_of(await orders_caller.abandon_refund(order_id, undoes=begun)) == (409, "ORDER_INVALID_STATE")


class TestDisputes:
    async def test_refund_is_refused_while_a_ticket_is_disputed(
        self, orders_caller: OrdersCaller, transfers: TransferCaller
    ) -> None:
        for status in ("DISPUTED", "REVERSING"):
            order_id = await paid(orders_caller)
            await transfers.at(status, order_id=order_id)
            assert code_of(await orders_caller.begin_refund(order_id)) == (409, "TRANSFER_INVALID_STATE")

    async def test_dispute_is_refused_once_a_refund_has_begun(
        self, orders_caller: OrdersCaller, transfers: TransferCaller
    ) -> None:
        order_id, begun = await paid(orders_caller), new_id()
        deal = await transfers.at("COMPLETED", order_id=order_id)
        await orders_caller.begin_refund(order_id, request_id=begun)
        assert code_of(await dispute(transfers, deal.key)) == (409, "TRANSFER_INVALID_STATE")
        await orders_caller.abandon_refund(order_id, undoes=begun)
        assert (await dispute(transfers, deal.key)).status_code == 200

    async def test_dispute_is_refused_after_a_refund(
        self, orders_caller: OrdersCaller, transfers: TransferCaller
    ) -> None:
        order_id = await paid(orders_caller)
        deal = await transfers.at("COMPLETED", order_id=order_id)
        await orders_caller.refund(order_id)
        assert code_of(await dispute(transfers, deal.key)) == (409, "TRANSFER_INVALID_STATE")

    async def test_concurrent_refund_and_dispute_have_exactly_one_winner(
        self, orders_caller: OrdersCaller, transfers: TransferCaller
    ) -> None:
        for _ in range(20):
            order_id = await paid(orders_caller)
            deal = [await transfers.at("COMPLETED", order_id=order_id) for _ in range(2)]
            begun, *disputed = await asyncio.gather(
                orders_caller.begin_refund(order_id), *(dispute(transfers, each.key) for each in deal)
            )
            outcomes = (begun.status_code, [answer.status_code for answer in disputed])
            assert outcomes in ((200, [409, 409]), (409, [200, 200]))


async def dispute(transfers: TransferCaller, key: str) -> httpx.Response:
    return await transfers.perform(key, "dispute", user_id=new_id(), reason="Never agreed")
