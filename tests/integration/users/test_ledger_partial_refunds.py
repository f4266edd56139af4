"""Refunds of parts of a charge: together they never exceed it, and they exclude a whole refund (T7)."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from common.db.engine import Database
from tests.integration.users.test_ledger_locks import assert_holds_no_lock_while_waiting
from tests.integration.users.test_ledger_refunds import charge
from tests.integration.users.user_client import LedgerCaller, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


async def test_part_is_credited_to_the_recipients_and_leaves_the_rest(ledger: LedgerCaller) -> None:
    payer, charge_id, event = await charge(ledger)
    holder = await ledger.open_wallet()

    answer = await ledger.refund_part(charge_id, (holder, "10.00"), (payer, "5.00"), (holder, "1.50"))

    assert answer.status_code == 200
    assert set(answer.json()["data"]) == {"transaction_id"}
    assert (await ledger.wallet_of(holder), await ledger.wallet_of(payer)) == (Decimal("11.50"), Decimal(35))
    assert await ledger.sum_of("revenue", event) == Decimal("53.50")


async def test_repetition_returns_the_first_response_and_other_shares_are_refused(ledger: LedgerCaller) -> None:
    payer, charge_id, event = await charge(ledger)
    same = {"request_id": uuid.uuid4()}

    first = await ledger.refund_part(charge_id, (payer, "30.00"), **same)
    again = await ledger.refund_part(charge_id, (payer, "10.00"), (payer, "20.0"), **same, reason="another")
    other = await ledger.refund_part(charge_id, (payer, "31.00"), **same)

    assert again.json() == first.json()
    assert (other.status_code, code_of(other)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await ledger.sum_of("revenue", event) == Decimal(40)


async def test_parts_end_at_the_charge(ledger: LedgerCaller) -> None:
    payer, charge_id, event = await charge(ledger)

    answers = [await ledger.refund_part(charge_id, (payer, part)) for part in ("40.00", "30.01", "30.00", "0.01")]

    assert [answer.status_code for answer in answers] == [200, 409, 200, 409]
    assert {code_of(answers[1]), code_of(answers[3])} == {"UNDO_MISMATCH"}
    assert await ledger.sum_of("revenue", event) == 0
    assert await ledger.wallet_of(payer) == Decimal(100)


async def test_first_part_above_the_charge_is_refused_and_the_refusal_is_stored(ledger: LedgerCaller) -> None:
    payer, charge_id, _ = await charge(ledger)
    same = {"request_id": uuid.uuid4()}
    answers = [await ledger.refund_part(charge_id, (payer, "70.01"), **same) for _ in range(2)]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(409, "UNDO_MISMATCH")}
    assert (await ledger.refund_part(charge_id, (payer, "70.00"))).status_code == 200


@pytest.mark.parametrize("part", ["10.00", "70.00", "0.00"])
async def test_whole_refund_after_a_part_is_refused(ledger: LedgerCaller, part: str) -> None:
    payer, charge_id, event = await charge(ledger)
    await ledger.refund_part(charge_id, (payer, part))

    answers = [await ledger.refund(charge_id), await ledger.refund_to(charge_id, (payer, "70.00"))]

    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(409, "UNDO_MISMATCH")}
    assert await ledger.sum_of("revenue", event) == 70 - Decimal(part)


@pytest.mark.parametrize("part", ["0.00", "10.00"])
async def test_part_after_a_whole_refund_is_refused(ledger: LedgerCaller, part: str) -> None:
    payer, charge_id, _ = await charge(ledger)
    await ledger.refund(charge_id)
    answer = await ledger.refund_part(charge_id, (payer, part))
    assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")
    assert await ledger.wallet_of(payer) == Decimal(100)


async def test_part_of_nothing_or_of_another_movement_is_refused(ledger: LedgerCaller) -> None:
    fan, gift = await ledger.open_wallet(), uuid.uuid4()
    await ledger.top_up(fan, "5.00", request_id=gift)
    answers = [await ledger.refund_part(movement, (fan, "1.00")) for movement in (gift, uuid.uuid4())]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(409, "UNDO_MISMATCH")}
    assert await ledger.wallet_of(fan) == Decimal(5)


async def test_unknown_recipient_is_404_and_moves_nothing(ledger: LedgerCaller) -> None:
    payer, charge_id, event = await charge(ledger)
    answer = await ledger.refund_part(charge_id, (payer, "1.00"), (uuid.uuid4(), "1.00"))
    assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
    assert await ledger.sum_of("revenue", event) == Decimal(70)
    assert (await ledger.refund(charge_id)).json()["data"]["balance"] == "100.00"


async def test_free_seat_of_a_free_order_is_refunded(ledger: LedgerCaller) -> None:
    payer, charge_id, _ = await charge(ledger, "0.00")
    answer = await ledger.refund_part(charge_id, (payer, "0.00"))
    assert answer.json()["data"]["transaction_id"] is not None


async def test_concurrent_parts_never_exceed_the_charge(ledger: LedgerCaller) -> None:
    _, charge_id, event = await charge(ledger)
    holders = [await ledger.open_wallet() for _ in range(20)]

    answers = await asyncio.gather(*(ledger.refund_part(charge_id, (holder, "10.00")) for holder in holders))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [409] * 13
    assert await ledger.sum_of("revenue", event) == 0
    assert sum([await ledger.wallet_of(holder) for holder in holders]) == Decimal(70)


async def test_concurrent_whole_and_partial_refunds_exclude_each_other(ledger: LedgerCaller) -> None:
    for _ in range(10):
        payer, charge_id, event = await charge(ledger)
        holders = [await ledger.open_wallet() for _ in range(4)]

        *parts, whole = await asyncio.gather(
            *(ledger.refund_part(charge_id, (holder, "10.00")) for holder in holders), ledger.refund(charge_id)
        )

        done = [part for part in parts if part.status_code == 200]
        assert {answer.status_code for answer in (*parts, whole)} <= {200, 409}
        assert len(done) == (0 if whole.status_code == 200 else 4)
        assert await ledger.sum_of("revenue", event) == (0 if whole.status_code == 200 else 30)
        assert await ledger.wallet_of(payer) == (100 if whole.status_code == 200 else 30)


@pytest.mark.parametrize("direction", ["low to high", "high to low"])
async def test_accounts_are_locked_in_the_global_order(
    ledger: LedgerCaller, database: Database, direction: str
) -> None:
    low, high = sorted([await ledger.open_wallet() for _ in range(2)], key=str)
    _, charge_id, _ = await charge(ledger)
    shares = [(low, "30.00"), (high, "40.00")]
    await assert_holds_no_lock_while_waiting(
        database,
        lambda: ledger.refund_part(charge_id, *(shares if direction == "low to high" else reversed(shares))),
        first=("wallet", low),
        second=("wallet", high),
    )
