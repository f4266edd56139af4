"""Many reports of one payment at once, while its user spends: credited once, taken back once, never stuck."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.integration.users.payment_caller import CREDIT, PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger_caller: LedgerCaller) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await ledger_caller.invariant_violations() == []


@pytest.fixture
async def payment_caller(ledger_caller: LedgerCaller) -> PaymentCaller:
    return await new_payment_caller(ledger_caller)


async def test_a_hundred_under_ids_of_their_own_credit_once(payment_caller: PaymentCaller) -> None:
    outcomes = await asyncio.gather(*(payment_caller.outcome("SUCCEEDED") for _ in range(100)))
    assert sorted(outcomes) == ["CREDITED", *["IGNORED"] * 99]
    assert await payment_caller.movements() == CREDIT
    assert [message.type for message in await payment_caller.messages()] == ["payment.confirmed"]


async def test_a_hundred_under_one_id_get_one_answer(payment_caller: PaymentCaller) -> None:
    request_id = uuid.uuid4()
    answers = await asyncio.gather(*(payment_caller.report("SUCCEEDED", request_id=request_id) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["data"]["outcome"] == "CREDITED"
    assert await payment_caller.movements() == CREDIT


async def test_one_id_for_two_payments_serves_one_of_them(ledger_caller: LedgerCaller) -> None:
    payment_callers, request_id = [await new_payment_caller(ledger_caller) for _ in range(2)], uuid.uuid4()
    answers = await asyncio.gather(
        *(payment_caller.report("SUCCEEDED", request_id=request_id) for payment_caller in payment_callers * 10)
    )
    assert {answer.status_code for answer in answers} == {200, 422}
    assert sorted([len(await payment_caller.movements()) for payment_caller in payment_callers]) == [0, 2]


async def test_every_status_at_once_ends_with_the_furthest(payment_caller: PaymentCaller) -> None:
    statuses = ["WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID", "SUCCEEDED"] * 10
    await asyncio.gather(*(payment_caller.report(status) for status in statuses))
    assert (await payment_caller.now())["status"] == "SUCCEEDED"
    assert await payment_caller.movements() == CREDIT


@pytest.mark.parametrize("_round", range(3))
async def test_success_and_refund_at_once_leave_nothing(payment_caller: PaymentCaller, _round: int) -> None:
    await asyncio.gather(*(payment_caller.report(status) for status in ["SUCCEEDED", "REFUNDED"] * 10))
    assert (await payment_caller.now())["status"] == "REFUNDED"
    assert await payment_caller.wallet() == 0
    assert len(await payment_caller.movements()) in {0, 4}  # whichever came first


async def test_a_refund_takes_what_is_there_while_its_user_spends(ledger_caller: LedgerCaller) -> None:
    payment_caller = await new_payment_caller(ledger_caller, balance="20.00")
    await payment_caller.report("SUCCEEDED")
    spending = [ledger_caller.deduct(payment_caller.user_id, "7.00") for _ in range(12)]
    answers = await asyncio.gather(*spending, payment_caller.report("REFUNDED"))
    spent = 7 * [answer.status_code for answer in answers[:-1]].count(200)
    owed = -await ledger_caller.sum_of("receivable", payment_caller.user_id)
    assert await payment_caller.wallet() == 20 - spent + owed
    assert ("SHORTFALL" in (await payment_caller.now())["flags"]) == (owed > 0)


async def test_reports_and_attaching_at_once(ledger_caller: LedgerCaller) -> None:
    payment_caller = PaymentCaller(ledger_caller, await ledger_caller.open_wallet())
    await payment_caller.open()
    reports = [payment_caller.report("SUCCEEDED", payment_id=payment_caller.payment_id) for _ in range(20)]
    *answers, attached = await asyncio.gather(*reports, payment_caller.attach(details={"pay_address": "bc1"}))
    assert attached.status_code == 200
    assert [answer.json()["data"]["outcome"] for answer in answers].count("CREDITED") == 1
    assert (await payment_caller.now())["details"] == {"pay_address": "bc1"}


async def test_many_payments_of_one_user_are_all_credited(ledger_caller: LedgerCaller) -> None:
    first = await new_payment_caller(ledger_caller)
    payment_callers = [first, *(PaymentCaller(ledger_caller, first.user_id) for _ in range(19))]
    for payment_caller in payment_callers[1:]:
        await payment_caller.open()
        await payment_caller.attach()
    await asyncio.gather(*(payment_caller.report("SUCCEEDED") for payment_caller in payment_callers for _ in range(3)))
    assert await first.wallet() == Decimal(50) * 20


WAITING = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE '%payments%FOR UPDATE%'"
)


async def test_a_report_holds_nothing_while_it_waits_for_its_payment(
    ledger_caller: LedgerCaller, payment_caller: PaymentCaller
) -> None:
    """The order of locks: first the payment, then the wallet."""
    async with ledger_caller.database.transaction() as holder:
        lock = text("SELECT 1 FROM payments WHERE payment_id = :payment_id FOR UPDATE")
        await holder.execute(lock, {"payment_id": payment_caller.payment_id})
        reporting = asyncio.ensure_future(payment_caller.report("SUCCEEDED"))
        await eventually(lambda: ledger_caller.database.fetch_all(WAITING))
        wallet = text("SELECT 1 FROM balances WHERE account_owner = :owner FOR UPDATE NOWAIT")
        assert await ledger_caller.database.fetch_all(wallet, {"owner": str(payment_caller.user_id)})
    assert (await reporting).json()["data"]["outcome"] == "CREDITED"
