"""A flagged user spends only after a verification by code for that movement's reference (T6)."""

import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import text

from tests.integration.users.user_client import CODE, WRONG_CODE, LedgerCaller, code_of

Spend = Callable[..., Awaitable[httpx.Response]]


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


@pytest.mark.parametrize("attempt", [{"context": "resale"}, {"code": WRONG_CODE}])
async def test_approval_of_a_sale_and_a_wrong_code_prove_nothing(
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


SPENDING = {
    "charge": lambda ledger, user_id, event, **more: ledger.charge(user_id, "1.00", event_id=event, **more),
    "transfer": lambda ledger, user_id, friend, **more: ledger.transfer(user_id, friend, "1.00", **more),
    "escrow": lambda ledger, user_id, _, **more: ledger.hold(user_id, "1.00", **more),
}
EACH_SPENDING = pytest.mark.parametrize("spend", SPENDING.values(), ids=SPENDING)


@EACH_SPENDING
@pytest.mark.parametrize("context", ["purchase", "transfer"])
async def test_each_movement_that_spends_needs_its_own_verification(
    ledger: LedgerCaller, flagged: uuid.UUID, spend: Spend, context: str
) -> None:
    friend, reference, first = await ledger.open_wallet(), str(uuid.uuid4()), {"request_id": uuid.uuid4()}
    await prove(ledger, flagged, str(uuid.uuid4()), context=context)

    refused = await spend(ledger, flagged, friend, reference=reference, **first)
    await prove(ledger, flagged, reference, context=context)
    repeated = await spend(ledger, flagged, friend, reference=reference, **first)
    done = await spend(ledger, flagged, friend, reference=reference)

    assert [(one.status_code, code_of(one)) for one in (refused, repeated)] == [(428, "OTP_REQUIRED")] * 2
    assert done.status_code == 200
    assert await ledger.wallet_of(flagged) == Decimal(99)
    assert await ledger.invariant_violations() == []


@EACH_SPENDING
async def test_flag_counts_from_the_moment_it_is_set(ledger: LedgerCaller, spend: Spend) -> None:
    user_id, friend = await ledger.open_wallet("100.00"), await ledger.open_wallet()
    before = await spend(ledger, user_id, friend)
    await ledger.flag(user_id)
    flagged = await spend(ledger, user_id, friend)
    await ledger.database.execute(text("UPDATE users SET is_flagged = false WHERE user_id = :id"), {"id": user_id})
    after = await spend(ledger, user_id, friend)
    assert [answer.status_code for answer in (before, flagged, after)] == [200, 428, 200]


async def test_escrow_may_name_what_was_verified(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    """The reference of each attempt differs; the code is verified once, and its reference is not in the fingerprint."""
    proof, same = str(uuid.uuid4()), {"request_id": uuid.uuid4(), "reference": str(uuid.uuid4())}
    await prove(ledger, flagged, proof)

    other = await ledger.hold(flagged, "1.00", proof_reference=str(uuid.uuid4()))
    held = await ledger.hold(flagged, "1.00", **same, proof_reference=proof)
    as_the_previous_release = await ledger.hold(flagged, "1.00", **same)

    assert code_of(other) == "OTP_REQUIRED"
    assert held.status_code == 200
    assert as_the_previous_release.json() == held.json()


async def test_movements_to_a_flagged_user_and_undos_need_no_verification(
    ledger: LedgerCaller, flagged: uuid.UUID
) -> None:
    friend, hold_id = await ledger.open_wallet("10.00"), uuid.uuid4()
    proof = str(uuid.uuid4())
    await prove(ledger, flagged, proof)
    await ledger.hold(flagged, "1.00", request_id=hold_id, reference=proof)
    answers = [
        await ledger.transfer(friend, flagged, "1.00"),
        await ledger.void(undoes_request_id=hold_id),
        await ledger.claw_back(flagged, friend, "1.00"),
    ]
    assert {answer.status_code for answer in answers} == {200}


async def test_spending_is_checked_for_what_is_paid_later(ledger: LedgerCaller, flagged: uuid.UUID) -> None:
    async def answer_to(user_id: uuid.UUID, reference: str) -> tuple[int, str]:
        answer = await ledger.http.get(f"/internal/ledger/spending/{user_id}", params={"reference": reference})
        return answer.status_code, "" if answer.is_success else code_of(answer)

    order, other = str(uuid.uuid4()), str(uuid.uuid4())
    assert await answer_to(flagged, order) == (428, "OTP_REQUIRED")
    await prove(ledger, flagged, order)
    assert await answer_to(flagged, order) == (200, "")
    assert await answer_to(flagged, other) == (428, "OTP_REQUIRED")
    assert await answer_to(await ledger.open_wallet(), order) == (200, "")
    await ledger.database.execute(
        text("UPDATE users SET suspended_at = now() WHERE user_id = :user_id"), {"user_id": flagged}
    )
    assert await answer_to(flagged, order) == (403, "ACCOUNT_SUSPENDED")
