"""Many reports of one payment at once, while its user spends: credited once, taken back once, never stuck."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.integration.users.people import Books
from tests.integration.users.till import CREDIT, Till, new_till
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
async def _books_add_up(books: Books) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await books.contradictions() == []


@pytest.fixture
async def till(books: Books) -> Till:
    return await new_till(books)


async def test_a_hundred_under_ids_of_their_own_credit_once(till: Till) -> None:
    outcomes = await asyncio.gather(*(till.outcome("SUCCEEDED") for _ in range(100)))
    assert sorted(outcomes) == ["CREDITED", *["IGNORED"] * 99]
    assert await till.movements() == CREDIT
    assert [message.type for message in await till.messages()] == ["payment.confirmed"]


async def test_a_hundred_under_one_id_get_one_answer(till: Till) -> None:
    request_id = uuid.uuid4()
    answers = await asyncio.gather(*(till.report("SUCCEEDED", request_id=request_id) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["data"]["outcome"] == "CREDITED"
    assert await till.movements() == CREDIT


async def test_one_id_for_two_payments_serves_one_of_them(books: Books) -> None:
    tills, request_id = [await new_till(books) for _ in range(2)], uuid.uuid4()
    answers = await asyncio.gather(*(till.report("SUCCEEDED", request_id=request_id) for till in tills * 10))
    assert {answer.status_code for answer in answers} == {200, 422}
    assert sorted([len(await till.movements()) for till in tills]) == [0, 2]


async def test_every_status_at_once_ends_with_the_furthest(till: Till) -> None:
    statuses = ["WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID", "SUCCEEDED"] * 10
    await asyncio.gather(*(till.report(status) for status in statuses))
    assert (await till.now())["status"] == "SUCCEEDED"
    assert await till.movements() == CREDIT


@pytest.mark.parametrize("_round", range(3))
async def test_success_and_refund_at_once_leave_nothing(till: Till, _round: int) -> None:
    await asyncio.gather(*(till.report(status) for status in ["SUCCEEDED", "REFUNDED"] * 10))
    assert (await till.now())["status"] == "REFUNDED"
    assert await till.wallet() == 0
    assert len(await till.movements()) in {0, 4}  # whichever came first


async def test_a_refund_takes_what_is_there_while_its_user_spends(books: Books) -> None:
    till = await new_till(books, balance="20.00")
    await till.report("SUCCEEDED")
    spending = [books.deduct(till.user_id, "7.00") for _ in range(12)]
    answers = await asyncio.gather(*spending, till.report("REFUNDED"))
    spent = 7 * [answer.status_code for answer in answers[:-1]].count(200)
    owed = -await books.sum_of("receivable", till.user_id)
    assert await till.wallet() == 20 - spent + owed
    assert ("SHORTFALL" in (await till.now())["flags"]) == (owed > 0)


async def test_reports_and_attaching_at_once(books: Books) -> None:
    till = Till(books, await books.open_wallet())
    await till.open()
    reports = [till.report("SUCCEEDED", payment_id=till.payment_id) for _ in range(20)]
    *answers, attached = await asyncio.gather(*reports, till.attach(details={"pay_address": "bc1"}))
    assert attached.status_code == 200
    assert [answer.json()["data"]["outcome"] for answer in answers].count("CREDITED") == 1
    assert (await till.now())["details"] == {"pay_address": "bc1"}


async def test_many_payments_of_one_user_are_all_credited(books: Books) -> None:
    first = await new_till(books)
    tills = [first, *(Till(books, first.user_id) for _ in range(19))]
    for till in tills[1:]:
        await till.open()
        await till.attach()
    await asyncio.gather(*(till.report("SUCCEEDED") for till in tills for _ in range(3)))
    assert await first.wallet() == Decimal(50) * 20


WAITING = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE '%payments%FOR UPDATE%'"
)


async def test_a_report_holds_nothing_while_it_waits_for_its_payment(books: Books, till: Till) -> None:
    """The order of locks: first the payment, then the wallet."""
    async with books.database.transaction() as holder:
        lock = text("SELECT 1 FROM payments WHERE payment_id = :payment_id FOR UPDATE")
        await holder.execute(lock, {"payment_id": till.payment_id})
        reporting = asyncio.ensure_future(till.report("SUCCEEDED"))
        await eventually(lambda: books.database.fetch_all(WAITING))
        wallet = text("SELECT 1 FROM balances WHERE account_owner = :owner FOR UPDATE NOWAIT")
        assert await books.database.fetch_all(wallet, {"owner": str(till.user_id)})
    assert (await reporting).json()["data"]["outcome"] == "CREDITED"
