"""The payment of an order that has ended: what arrives of it becomes credits, even if it is a part (W4)."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from tests.integration.users.payment_caller import CREDIT, PaymentCaller, new_payment_caller
from tests.integration.users.test_payment_invariants import violations
from tests.integration.users.user_client import LedgerCaller


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


@pytest.fixture
async def crypto(ledger: LedgerCaller) -> PaymentCaller:
    payment_caller = await new_payment_caller(ledger, provider="nowpayments")
    details = {"pay_amount": "1.0", "pay_currency": "btc", "pay_address": "bc1"}
    (await payment_caller.attach(details=details)).raise_for_status()
    return payment_caller


async def close(crypto: PaymentCaller, request_id: uuid.UUID | None = None) -> dict[str, object] | None:
    """Close the payment, twice by the same request, and return it."""
    body = {"request_id": request_id or uuid.uuid4(), "undoes_request_id": uuid.uuid5(crypto.payment_id, "open")}
    first, second = [
        await crypto.ledger.post(f"/internal/payments/{crypto.payment_id}/close", **body) for _ in range(2)
    ]
    assert (first.status_code, first.text) == (200, second.text)
    closed: dict[str, object] | None = first.json()["data"]["payment"]
    return closed


def entries(amount: str) -> list[tuple[str, str, Decimal]]:
    return [("top_up", "external", -Decimal(amount)), ("top_up", "wallet", Decimal(amount))]


@pytest.mark.parametrize("is_closed_first", [True, False])
async def test_part_of_an_ended_order_becomes_credits_once(
    ledger: LedgerCaller,
    crypto: PaymentCaller,
    is_closed_first: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    if is_closed_first:
        await close(crypto)
    await crypto.report("PARTIALLY_PAID", paid_amount="0.66666")
    if not is_closed_first:
        assert (await close(crypto) or {})["status"] == "SUCCEEDED"
    assert (await crypto.now())["status"] == "SUCCEEDED"
    await close(crypto)
    assert await crypto.outcome("PARTIALLY_PAID", paid_amount="0.66666") == "IGNORED"
    payment = await crypto.now()
    assert (payment["status"], payment["amount"], payment["original_amount"]) == ("SUCCEEDED", "33.33", "50.00")
    assert await crypto.movements() == entries("33.33")
    said = await crypto.messages()
    assert [message.type for message in said if message.type != "payment.partially_paid"] == ["payment.confirmed"]
    assert (said[-1].data["amount"], said[-1].data["closed_at"] is None) == ("33.33", False)
    assert await violations(ledger) == []


async def test_rest_after_the_settlement_is_flagged_and_told(ledger: LedgerCaller, crypto: PaymentCaller) -> None:
    await close(crypto)
    await crypto.report("PARTIALLY_PAID", paid_amount="0.4")
    assert await crypto.outcome("SUCCEEDED", paid_amount="1.0") == "NOTED"
    payment = await crypto.now()
    assert (payment["amount"], "OVERPAID" in payment["flags"]) == ("20.00", True)
    assert [message.type for message in await crypto.messages()] == ["payment.confirmed", "payment.overpaid"]
    assert await crypto.outcome("REFUNDED") == "NOTED"
    assert (await crypto.now())["status"] == "REFUNDED"
    assert await crypto.wallet() == 0
    assert await violations(ledger) == []


async def test_closing_changes_no_other_payment(crypto: PaymentCaller) -> None:
    assert (await close(crypto) or {})["status"] == "PENDING"
    await crypto.report("SUCCEEDED", paid_amount="1.0")
    await close(crypto)
    payment = await crypto.now()
    assert (payment["status"], payment["original_amount"], payment["flags"]) == ("SUCCEEDED", None, [])
    assert await crypto.movements() == CREDIT


async def test_payment_that_was_never_opened_can_no_longer_be_opened(ledger: LedgerCaller) -> None:
    late = PaymentCaller(ledger, await ledger.open_wallet(), provider="nowpayments")
    assert await close(late) is None
    refused = await late.open(request_id=uuid.uuid5(late.payment_id, "open"))
    assert (refused.status_code, refused.json()["error_code"]) == (409, "REQUEST_UNDONE")


@pytest.mark.parametrize("_round", range(3))
async def test_closing_races_with_reports(ledger: LedgerCaller, crypto: PaymentCaller, _round: int) -> None:
    reports = [crypto.report("PARTIALLY_PAID", paid_amount=paid) for paid in ("0.4", "0.4", "0.9") * 3]
    await asyncio.gather(*reports, *(close(crypto) for _ in range(3)))
    payment = await crypto.now()
    assert payment["status"] == "SUCCEEDED"
    assert payment["amount"] in {"20.00", "45.00"}
    assert ("OVERPAID" in payment["flags"]) == (payment["amount"] == "20.00" and payment["paid_amount"] == "0.9")
    assert await crypto.movements() == entries(payment["amount"])
    assert await violations(ledger) == []
