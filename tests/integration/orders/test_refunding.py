"""A refund begins, or a ticket of the order is disputed: never both, whoever comes first."""

import asyncio
from typing import Any

import httpx

from orders.ticket_orders.status import OrderStatus
from tests.integration.orders.book import Book
from tests.integration.orders.dealings import Transfers
from tests.support.callers import new_id


async def paid(book: Book) -> str:
    return str((await book.opened(status=OrderStatus.CONFIRMED))["order_id"])


def code_of(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json().get("error_code")


class TestBeginning:
    async def test_leaves_the_order_as_it_was_and_the_refund_follows(self, book: Book) -> None:
        order_id = await paid(book)
        before = (await book.find(order_id)).json()

        assert (await book.begin_refund(order_id)).json() == before
        assert (await book.refund(order_id)).status_code == 200

    async def test_twice_is_refused_and_repeated_is_not(self, book: Book) -> None:
        order_id, request_id = await paid(book), new_id()
        first, repeated = [await book.begin_refund(order_id, request_id=request_id) for _ in range(2)]
        assert first.json() == repeated.json()
        assert code_of(await book.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")

    async def test_of_an_order_that_is_not_paid_or_unknown(self, book: Book) -> None:
        for status in (OrderStatus.PENDING, OrderStatus.REFUNDED):
            order_id = (await book.opened(status=status))["order_id"]
            assert code_of(await book.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")
        assert code_of(await book.begin_refund(new_id())) == (404, "ORDER_NOT_FOUND")


class TestAbandoning:
    async def test_lets_another_begin(self, book: Book) -> None:
        order_id, begun = await paid(book), new_id()
        await book.begin_refund(order_id, request_id=begun)

        abandoned = await book.abandon_refund(order_id, undoes=begun)

        assert abandoned.json()["data"] == {"order_id": order_id, "status": "CONFIRMED"}
        assert (await book.begin_refund(order_id)).status_code == 200

    async def test_one_that_never_came_refuses_it_when_it_comes_late(self, book: Book) -> None:
        order_id, late = await paid(book), new_id()
        assert (await book.abandon_refund(order_id, undoes=late)).status_code == 200
        assert code_of(await book.begin_refund(order_id, request_id=late)) == (409, "REQUEST_UNDONE")
        assert (await book.begin_refund(order_id)).status_code == 200

    async def test_leaves_what_another_request_began(self, book: Book) -> None:
        order_id = await paid(book)
        await book.begin_refund(order_id)
        assert (await book.abandon_refund(order_id, undoes=new_id())).status_code == 200
        assert code_of(await book.begin_refund(order_id)) == (409, "ORDER_INVALID_STATE")

    async def test_what_was_refunded_stays_so(self, book: Book) -> None:
        order_id, begun = await paid(book), new_id()
        await book.begin_refund(order_id, request_id=begun)
        await book.refund(order_id)
        assert code_of(await book.abandon_refund(order_id, undoes=begun)) == (409, "ORDER_INVALID_STATE")


class TestDisputes:
    async def test_a_refund_does_not_begin_while_a_ticket_is_disputed(self, book: Book, transfers: Transfers) -> None:
        for status in ("DISPUTED", "REVERSING"):
            order_id = await paid(book)
            await transfers.at(status, order_id=order_id)
            assert code_of(await book.begin_refund(order_id)) == (409, "TRANSFER_INVALID_STATE")

    async def test_a_dispute_does_not_come_once_a_refund_has_begun(self, book: Book, transfers: Transfers) -> None:
        order_id, begun = await paid(book), new_id()
        made = await transfers.at("COMPLETED", order_id=order_id)
        await book.begin_refund(order_id, request_id=begun)
        assert code_of(await dispute(transfers, made.key)) == (409, "TRANSFER_INVALID_STATE")
        await book.abandon_refund(order_id, undoes=begun)
        assert (await dispute(transfers, made.key)).status_code == 200

    async def test_nor_after_it(self, book: Book, transfers: Transfers) -> None:
        order_id = await paid(book)
        made = await transfers.at("COMPLETED", order_id=order_id)
        await book.refund(order_id)
        assert code_of(await dispute(transfers, made.key)) == (409, "TRANSFER_INVALID_STATE")

    async def test_of_both_at_once_exactly_one_comes(self, book: Book, transfers: Transfers) -> None:
        for _ in range(20):
            order_id = await paid(book)
            made = [await transfers.at("COMPLETED", order_id=order_id) for _ in range(2)]
            begun, *disputed = await asyncio.gather(
                book.begin_refund(order_id), *(dispute(transfers, each.key) for each in made)
            )
            outcomes = (begun.status_code, [answer.status_code for answer in disputed])
            assert outcomes in ((200, [409, 409]), (409, [200, 200]))


async def dispute(transfers: Transfers, key: str) -> httpx.Response:
    return await transfers.act(key, "dispute", user_id=new_id(), reason="Never agreed")
