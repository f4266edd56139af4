"""Concurrent movements: on one wallet, with one request id, in both directions, for one escrow."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from tests.integration.users.user_client import LedgerCaller, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    assert await ledger.invariant_violations() == []


async def test_wallet_pays_exactly_as_often_as_its_balance_allows(ledger: LedgerCaller) -> None:
    fan, event = await ledger.open_wallet("100.00"), uuid.uuid4()

    answers = await asyncio.gather(*(ledger.charge(fan, "7.00", event_id=event) for _ in range(50)))

    paid = [answer for answer in answers if answer.status_code == 200]
    assert len(paid) == 14
    assert {code_of(answer) for answer in answers if answer.status_code != 200} == {"INSUFFICIENT_CREDITS"}
    assert sorted(Decimal(answer.json()["data"]["balance"]) for answer in paid) == [2 + 7 * n for n in range(14)]
    assert await ledger.wallet_of(fan) == Decimal(2)
    assert await ledger.sum_of("revenue", event) == Decimal(98)


async def test_concurrent_repetitions_move_once_with_one_response(ledger: LedgerCaller) -> None:
    fan, same = await ledger.open_wallet("100.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

    answers = await asyncio.gather(*(ledger.charge(fan, "60.00", **same) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await ledger.wallet_of(fan) == Decimal(40)


async def test_refused_request_id_is_refused_to_every_repetition(ledger: LedgerCaller) -> None:
    fan, same = await ledger.open_wallet("10.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

    *answers, _ = await asyncio.gather(
        *(ledger.charge(fan, "60.00", **same) for _ in range(30)), ledger.top_up(fan, "100.00")
    )

    outcomes = {answer.status_code for answer in answers}
    assert outcomes in ({200}, {402})  # the top-up may come before all of them, never in between
    assert await ledger.wallet_of(fan) == (50 if outcomes == {200} else 110)


async def test_concurrent_deduct_and_refund_leave_nothing(ledger: LedgerCaller) -> None:
    fan = await ledger.open_wallet("1000.00")

    async def pay_and_undo() -> None:
        charge_id, event = uuid.uuid4(), uuid.uuid4()
        await asyncio.gather(
            ledger.charge(fan, "1.00", request_id=charge_id, event_id=event),
            ledger.refund(charge_id),
            ledger.charge(fan, "1.00", request_id=charge_id, event_id=event),
            ledger.refund(charge_id),
        )

    await asyncio.gather(*(pay_and_undo() for _ in range(25)))
    assert await ledger.wallet_of(fan) == Decimal(1000)


async def test_refunds_under_different_ids_reverse_once(ledger: LedgerCaller) -> None:
    fan, charge_id = await ledger.open_wallet("100.00"), uuid.uuid4()
    await ledger.charge(fan, "60.00", request_id=charge_id)

    answers = await asyncio.gather(*(ledger.refund(charge_id) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["transaction_id"] for answer in answers}) == 1
    assert await ledger.wallet_of(fan) == Decimal(100)


async def test_opposite_transfers_do_not_deadlock(ledger: LedgerCaller) -> None:
    ann, bob = await ledger.open_wallet("100.00"), await ledger.open_wallet("100.00")

    there = [ledger.transfer(ann, bob, "1.00") for _ in range(100)]
    back = [ledger.transfer(bob, ann, "1.00") for _ in range(100)]
    answers = await asyncio.gather(*(one for pair in zip(there, back, strict=True) for one in pair))

    assert {answer.status_code for answer in answers} == {200}
    assert await ledger.wallet_of(ann) == await ledger.wallet_of(bob) == Decimal(100)


async def test_circular_transfers_keep_the_total(ledger: LedgerCaller) -> None:
    ring = [await ledger.open_wallet("20.00") for _ in range(5)]
    pairs = [(ring[n % 5], ring[(n + 1 + n // 5 % 4) % 5]) for n in range(100)]

    answers = await asyncio.gather(*(ledger.transfer(*pair, "9.00") for pair in pairs))

    assert {answer.status_code for answer in answers} <= {200, 402}
    assert sum([await ledger.wallet_of(one) for one in ring]) == Decimal(100)


@pytest.mark.parametrize("_round", range(5))
async def test_concurrent_release_and_void_have_one_winner(ledger: LedgerCaller, _round: int) -> None:
    buyer, seller, hold = await ledger.open_wallet("100.00"), await ledger.open_wallet(), uuid.uuid4()
    escrow_id = (await ledger.hold(buyer, "60.00", request_id=hold)).json()["data"]["escrow_id"]

    calls = [ledger.release(escrow_id, seller), ledger.void(escrow_id=escrow_id)] * 1
    calls += [
        ledger.release(escrow_id, seller),
        ledger.void(escrow_id=escrow_id),
        ledger.void(undoes_request_id=hold),
    ]
    *answers, undo = await asyncio.gather(*calls)

    was_released = await ledger.wallet_of(seller) == Decimal(60)
    assert await ledger.wallet_of(buyer) == (40 if was_released else 100)
    assert undo.status_code == (409 if was_released else 200)
    undo_did_it = undo.status_code == 200 and undo.json()["data"]["transaction_id"] is not None
    assert [answer.status_code for answer in answers].count(200) == (0 if undo_did_it else 1)
    assert {code_of(answer) for answer in answers if answer.status_code != 200} <= {"ESCROW_ALREADY_RESOLVED"}


async def test_concurrent_holds_and_undos_leave_nothing(ledger: LedgerCaller) -> None:
    buyer = await ledger.open_wallet("100.00")

    async def hold_and_undo() -> None:
        hold = uuid.uuid4()
        await asyncio.gather(
            ledger.hold(buyer, "1.00", request_id=hold),
            ledger.void(undoes_request_id=hold),
            ledger.hold(buyer, "1.00", request_id=hold),
        )

    await asyncio.gather(*(hold_and_undo() for _ in range(30)))
    assert await ledger.wallet_of(buyer) == Decimal(100)
    assert await ledger.sum_of("escrow", buyer) == 0


async def test_mixed_movements_between_two_users_do_not_deadlock(ledger: LedgerCaller) -> None:
    ann, bob = await ledger.open_wallet("500.00"), await ledger.open_wallet("500.00")
    held = [(await ledger.hold(one, "1.00")).json()["data"]["escrow_id"] for one in (ann, bob) for _ in range(10)]

    answers = await asyncio.gather(
        *(ledger.release(escrow_id, bob if n < 10 else ann) for n, escrow_id in enumerate(held)),
        *(ledger.hold(one, "1.00") for one in (ann, bob) for _ in range(10)),
        *(ledger.transfer(*pair, "1.00") for pair in ((ann, bob), (bob, ann)) for _ in range(10)),
        *(ledger.charge(one, "1.00") for one in (ann, bob) for _ in range(10)),
        *(ledger.top_up(one, "1.00") for one in (ann, bob) for _ in range(10)),
    )

    assert {answer.status_code for answer in answers} == {200}
    total = sum([await ledger.wallet_of(one) + await ledger.sum_of("escrow", one) for one in (ann, bob)])
    assert total == Decimal(1000)
