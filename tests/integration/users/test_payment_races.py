"""Concurrent reports of one payment while its user spends: credited once, refunded once, without a deadlock."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.integration.users.payment_caller import CREDIT, PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


@pytest.fixture
async def payment_caller(ledger: LedgerCaller) -> PaymentCaller:
    return await new_payment_caller(ledger)


async def test_hundred_concurrent_reports_credit_once(payment_caller: PaymentCaller) -> None:
    outcomes = await asyncio.gather(*(payment_caller.outcome("SUCCEEDED") for _ in range(100)))
    assert sorted(outcomes) == ["CREDITED", *["IGNORED"] * 99]
    assert await payment_caller.movements() == CREDIT
    assert [message.type for message in await payment_caller.messages()] == ["payment.confirmed"]


async def test_hundred_concurrent_repetitions_get_one_response(payment_caller: PaymentCaller) -> None:
    request_id = uuid.uuid4()
    answers = await asyncio.gather(*(payment_caller.report("SUCCEEDED", request_id=request_id) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["data"]["outcome"] == "CREDITED"
    assert await payment_caller.movements() == CREDIT


async def test_request_id_used_for_two_payments_serves_one(ledger: LedgerCaller) -> None:
    payment_callers, request_id = [await new_payment_caller(ledger) for _ in range(2)], uuid.uuid4()
    answers = await asyncio.gather(
        *(payment_caller.report("SUCCEEDED", request_id=request_id) for payment_caller in payment_callers * 10)
    )
    assert {answer.status_code for answer in answers} == {200, 422}
    assert sorted([len(await payment_caller.movements()) for payment_caller in payment_callers]) == [0, 2]


async def test_concurrent_statuses_end_at_the_furthest(payment_caller: PaymentCaller) -> None:
    statuses = ["WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID", "SUCCEEDED"] * 10
    await asyncio.gather(*(payment_caller.report(status) for status in statuses))
    assert (await payment_caller.now())["status"] == "SUCCEEDED"
    assert await payment_caller.movements() == CREDIT


@pytest.mark.parametrize("_round", range(3))
async def test_concurrent_success_and_refund_leave_nothing(payment_caller: PaymentCaller, _round: int) -> None:
    await asyncio.gather(*(payment_caller.report(status) for status in ["SUCCEEDED", "REFUNDED"] * 10))
    assert (await payment_caller.now())["status"] == "REFUNDED"
    assert await payment_caller.wallet() == 0
    assert len(await payment_caller.movements()) == 4


async def test_concurrent_refunds_and_disputes_take_each_part_once(payment_caller: PaymentCaller) -> None:
    totals = [payment_caller.report("REFUNDED", amount=total) for total in ("10.00", "20.00") * 10]
    disputes = [
        payment_caller.reverse("dp_1", status, "15.00", sequence=sequence)
        for status, sequence in [("OPEN", 0), ("WITHDRAWN", 5)] * 10
    ]
    await asyncio.gather(payment_caller.report("SUCCEEDED"), *totals, *disputes)
    assert await payment_caller.wallet() == Decimal(15)
    assert (await payment_caller.now())["taken_back"] == "35.00"


async def test_refund_during_spending_takes_the_remaining_balance(ledger: LedgerCaller) -> None:
    payment_caller = await new_payment_caller(ledger, balance="20.00")
    await payment_caller.report("SUCCEEDED")
    spending = [ledger.charge(payment_caller.user_id, "7.00") for _ in range(12)]
    answers = await asyncio.gather(*spending, payment_caller.report("REFUNDED"))
    spent = 7 * [answer.status_code for answer in answers[:-1]].count(200)
    owed = -await ledger.sum_of("receivable", payment_caller.user_id)
    assert await payment_caller.wallet() == 20 - spent + owed
    assert ("SHORTFALL" in (await payment_caller.now())["flags"]) == (owed > 0)


async def test_concurrent_reports_and_attach(ledger: LedgerCaller) -> None:
    payment_caller = PaymentCaller(ledger, await ledger.open_wallet())
    await payment_caller.open()
    reports = [payment_caller.report("SUCCEEDED", payment_id=payment_caller.payment_id) for _ in range(20)]
    *answers, attached = await asyncio.gather(*reports, payment_caller.attach(details={"pay_address": "bc1"}))
    assert attached.status_code == 200
    assert [answer.json()["data"]["outcome"] for answer in answers].count("CREDITED") == 1
    assert (await payment_caller.now())["details"] == {"pay_address": "bc1"}


async def test_many_payments_of_one_user_are_all_credited(ledger: LedgerCaller) -> None:
    first = await new_payment_caller(ledger)
    payment_callers = [first, *(PaymentCaller(ledger, first.user_id) for _ in range(19))]
    for payment_caller in payment_callers[1:]:
        await payment_caller.open()
        await payment_caller.attach()
    await asyncio.gather(*(payment_caller.report("SUCCEEDED") for payment_caller in payment_callers for _ in range(3)))
    assert await first.wallet() == Decimal(50) * 20


WAITING = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE '%payments%FOR UPDATE%'"
)


async def test_report_holds_no_other_lock_while_it_waits_for_its_payment(
    ledger: LedgerCaller, payment_caller: PaymentCaller
) -> None:
    """The lock order is payment, then wallet."""
    async with ledger.database.transaction() as holder:
        lock = text("SELECT 1 FROM payments WHERE payment_id = :payment_id FOR UPDATE")
        await holder.execute(lock, {"payment_id": payment_caller.payment_id})
        reporting = asyncio.ensure_future(payment_caller.report("SUCCEEDED"))
        await eventually(lambda: ledger.database.fetch_all(WAITING))
        wallet = text("SELECT 1 FROM balances WHERE account_owner = :owner FOR UPDATE NOWAIT")
        assert await ledger.database.fetch_all(wallet, {"owner": str(payment_caller.user_id)})
    assert (await reporting).json()["data"]["outcome"] == "CREDITED"
