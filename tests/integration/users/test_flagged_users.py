"""A flagged user's purchase is charged once a code has proved it, and only that purchase (T6)."""

import uuid
from decimal import Decimal

import pytest

from tests.integration.users.people import CODE, WRONG_CODE, Books, code_of


@pytest.fixture
async def flagged(books: Books) -> uuid.UUID:
    user_id = await books.open_wallet("100.00")
    await books.flag(user_id)
    return user_id


async def prove(
    books: Books, user_id: uuid.UUID, reference: str, *, context: str = "purchase", code: str = CODE
) -> None:
    matter = {"user_id": user_id, "context": context, "reference": reference}
    sent = await books.post("/internal/otp/send", **matter, requested_by_user_id=user_id, address="192.0.2.1")
    assert sent.json()["data"]["sent"] is True
    await books.http.post("/internal/otp/verify", json={**matter, "user_id": str(user_id), "otp_code": code})


async def test_is_refused_and_the_refusal_is_remembered(books: Books, flagged: uuid.UUID) -> None:
    order, same = str(uuid.uuid4()), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

    first = await books.deduct(flagged, "10.00", reference=order, **same)
    await prove(books, flagged, order)
    again = await books.deduct(flagged, "10.00", reference=order, **same)

    assert (first.status_code, code_of(first)) == (428, "OTP_REQUIRED")
    assert (again.status_code, code_of(again)) == (428, "OTP_REQUIRED")
    assert await books.wallet_of(flagged) == Decimal(100)


async def test_is_asked_for_a_proof_before_the_wallet_is_looked_at(books: Books, flagged: uuid.UUID) -> None:
    answer = await books.deduct(flagged, "100.01", reference="order")
    assert code_of(answer) == "OTP_REQUIRED"


async def test_a_proof_unlocks_that_order_only(books: Books, flagged: uuid.UUID) -> None:
    order = str(uuid.uuid4())
    await prove(books, flagged, order)

    other = await books.deduct(flagged, "10.00", reference=str(uuid.uuid4()))
    paid = await books.deduct(flagged, "10.00", reference=order)
    too_much = await books.deduct(flagged, "100.00", reference=order)

    assert [code_of(other), code_of(too_much)] == ["OTP_REQUIRED", "INSUFFICIENT_CREDITS"]
    assert paid.json()["data"]["balance"] == "90.00"


async def test_another_ones_proof_is_none(books: Books, flagged: uuid.UUID) -> None:
    order, other = str(uuid.uuid4()), await books.open_wallet()
    await prove(books, other, order)
    assert code_of(await books.deduct(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


@pytest.mark.parametrize("attempt", [{"context": "transfer"}, {"code": WRONG_CODE}])
async def test_nor_is_one_for_something_else_or_a_wrong_code(
    books: Books, flagged: uuid.UUID, attempt: dict[str, str]
) -> None:
    order = str(uuid.uuid4())
    await prove(books, flagged, order, **attempt)
    assert code_of(await books.deduct(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


async def test_a_proof_that_is_withdrawn_unlocks_nothing(books: Books, flagged: uuid.UUID) -> None:
    order = str(uuid.uuid4())
    await prove(books, flagged, order)
    matter = {"user_id": flagged, "context": "purchase", "reference": order}
    await books.post("/internal/otp/withdraw", undoes_request_id=uuid.uuid4(), **matter)
    assert code_of(await books.deduct(flagged, "1.00", reference=order)) == "OTP_REQUIRED"


async def test_other_movements_need_none(books: Books, flagged: uuid.UUID) -> None:
    friend = await books.open_wallet()
    answers = [await books.transfer(flagged, friend, "1.00"), await books.hold(flagged, "1.00")]
    assert {answer.status_code for answer in answers} == {200}
