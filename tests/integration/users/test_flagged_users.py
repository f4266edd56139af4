"""A flagged user's purchase is charged only after its own verification by code (T6)."""

import uuid
from decimal import Decimal

import pytest

from tests.integration.users.user_client import CODE, WRONG_CODE, LedgerCaller, code_of


@pytest.fixture
async def flagged(ledger: LedgerCaller) -> uuid.UUID:
    user_id = await ledger.open_wallet("100.00")
    await ledger.flag(user_id)
    return user_id


async def prove(
    ledger: LedgerCaller, user_id: uuid.UUID, reference: str, *, context: str = "purchase", code: str = CODE
) -> None:
    challenge_key = {"user_id": user_id, "context": context, "reference": reference}
    sent = await ledger.post("/internal/otp/send", **challenge_key, requested_by_user_id=user_id, address="192.0.2.1")
    assert sent.json()["data"]["sent"] is True
    await ledger.http.post("/internal/otp/verify", json={**challenge_key, "user_id": str(user_id), "otp_code": code})


async def test_flagged_user_is_refused_and_the_refusal_is_stored(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    order, same = str(uuid.uuid4()), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

    first = await ledger.charge(flagged, "10.00", reference=order, **same)
    await prove(ledger, flagged, order)
    again = await ledger.charge(flagged, "10.00", reference=order, **same)

    assert (first.status_code, code_of(first)) == (428, "OTP_REQUIRED")
    assert (again.status_code, code_of(again)) == (428, "OTP_REQUIRED")
    assert await ledger.wallet_of(flagged) == Decimal(100)


async def test_verification_is_required_before_the_balance_is_checked(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    answer = await ledger.charge(flagged, "100.01", reference="order")
    assert code_of(answer) == "OTP_REQUIRED"


async def test_verification_applies_to_that_order_only(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    order = str(uuid.uuid4())
    await prove(ledger, flagged, order)

    other = await ledger.charge(flagged, "10.00", reference=str(uuid.uuid4()))
    paid = await ledger.charge(flagged, "10.00", reference=order)
    too_much = await ledger.charge(flagged, "100.00", reference=order)

    assert [code_of(other), code_of(too_much)] == ["OTP_REQUIRED", "INSUFFICIENT_CREDITS"]
    assert paid.json()["data"]["balance"] == "90.00"


async def test_verification_of_another_user_is_refused(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    order, other = str(uuid.uuid4()), await ledger.open_wallet()
    await prove(ledger, other, order)
    assert code_of(await ledger.charge(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


@pytest.mark.parametrize("attempt", [{"context": "transfer"}, {"code": WRONG_CODE}])
async def test_verification_of_another_purchase_or_by_a_wrong_code_is_refused(
    ledger: LedgerCaller, flagged: uuid.UUID, attempt: dict[str, str]
) -> None:
    order = str(uuid.uuid4())
    await prove(ledger, flagged, order, **attempt)
    assert code_of(await ledger.charge(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


async def test_withdrawn_verification_is_refused(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    order = str(uuid.uuid4())
    await prove(ledger, flagged, order)
    challenge_key = {"user_id": flagged, "context": "purchase", "reference": order}
    await ledger.post("/internal/otp/withdraw", undoes_request_id=uuid.uuid4(), **challenge_key)
    assert code_of(await ledger.charge(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


async def test_other_movements_need_no_verification(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    friend = await ledger.open_wallet()
    answers = [await ledger.transfer(flagged, friend, "1.00"), await ledger.hold(flagged, "1.00")]
    assert {answer.status_code for answer in answers} == {200}
