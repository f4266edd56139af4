"""A flagged user's purchase is charged once a code has proved it, and only that purchase (T6)."""

import uuid
from decimal import Decimal

import pytest

from tests.integration.users.user_client import CODE, WRONG_CODE, LedgerCaller, code_of


@pytest.fixture
async def flagged(ledger_caller: LedgerCaller) -> uuid.UUID:
    user_id = await ledger_caller.open_wallet("100.00")
    await ledger_caller.flag(user_id)
    return user_id


async def prove(
    ledger_caller: LedgerCaller, user_id: uuid.UUID, reference: str, *, context: str = "purchase", code: str = CODE
) -> None:
    challenge_key = {"user_id": user_id, "context": context, "reference": reference}
    sent = await ledger_caller.post(
        "/internal/otp/send", **challenge_key, requested_by_user_id=user_id, address="192.0.2.1"
    )
    assert sent.json()["data"]["sent"] is True
    await ledger_caller.http.post(
        "/internal/otp/verify", json={**challenge_key, "user_id": str(user_id), "otp_code": code}
    )


async def test_is_refused_and_the_refusal_is_remembered(ledger_caller: LedgerCaller, flagged: uuid.UUID) -> None:
    order, same = str(uuid.uuid4()), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

    first = await ledger_caller.deduct(flagged, "10.00", reference=order, **same)
    await prove(ledger_caller, flagged, order)
    again = await ledger_caller.deduct(flagged, "10.00", reference=order, **same)

    assert (first.status_code, code_of(first)) == (428, "OTP_REQUIRED")
    assert (again.status_code, code_of(again)) == (428, "OTP_REQUIRED")
    assert await ledger_caller.wallet_of(flagged) == Decimal(100)


async def test_is_asked_for_a_proof_before_the_wallet_is_looked_at(
    ledger_caller: LedgerCaller, flagged: uuid.UUID
) -> None:
    answer = await ledger_caller.deduct(flagged, "100.01", reference="order")
    assert code_of(answer) == "OTP_REQUIRED"


async def test_a_proof_unlocks_that_order_only(ledger_caller: LedgerCaller, flagged: uuid.UUID) -> None:
    order = str(uuid.uuid4())
    await prove(ledger_caller, flagged, order)

    other = await ledger_caller.deduct(flagged, "10.00", reference=str(uuid.uuid4()))
    paid = await ledger_caller.deduct(flagged, "10.00", reference=order)
    too_much = await ledger_caller.deduct(flagged, "100.00", reference=order)

    assert [code_of(other), code_of(too_much)] == ["OTP_REQUIRED", "INSUFFICIENT_CREDITS"]
    assert paid.json()["data"]["balance"] == "90.00"


async def test_another_ones_proof_is_none(ledger_caller: LedgerCaller, flagged: uuid.UUID) -> None:
    order, other = str(uuid.uuid4()), await ledger_caller.open_wallet()
    await prove(ledger_caller, other, order)
    assert code_of(await ledger_caller.deduct(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


@pytest.mark.parametrize("attempt", [{"context": "transfer"}, {"code": WRONG_CODE}])
async def test_nor_is_one_for_something_else_or_a_wrong_code(
    ledger_caller: LedgerCaller, flagged: uuid.UUID, attempt: dict[str, str]
) -> None:
    order = str(uuid.uuid4())
    await prove(ledger_caller, flagged, order, **attempt)
    assert code_of(await ledger_caller.deduct(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


async def test_a_proof_that_is_withdrawn_unlocks_nothing(ledger_caller: LedgerCaller, flagged: uuid.UUID) -> None:
    order = str(uuid.uuid4())
    await prove(ledger_caller, flagged, order)
    challenge_key = {"user_id": flagged, "context": "purchase", "reference": order}
    await ledger_caller.post("/internal/otp/withdraw", undoes_request_id=uuid.uuid4(), **challenge_key)
    assert code_of(await ledger_caller.deduct(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


async def test_other_movements_need_none(ledger_caller: LedgerCaller, flagged: uuid.UUID) -> None:
    friend = await ledger_caller.open_wallet()
    answers = [await ledger_caller.transfer(flagged, friend, "1.00"), await ledger_caller.hold(flagged, "1.00")]
    assert {answer.status_code for answer in answers} == {200}
