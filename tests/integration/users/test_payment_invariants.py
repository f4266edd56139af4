"""The platform's invariant checker reports contradictions between credits and payments."""

import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from invariants import payments
from invariants.snapshot import QUERIES, Snapshot
from tests.integration.users.payment_caller import PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller


async def violations(ledger: LedgerCaller) -> list[str]:
    rows = {
        name: await ledger.database.fetch_all(text(QUERIES[name].statement)) for name in ("payments", "payment_credits")
    }
    return payments.violations(Snapshot(**{name: [dict(row) for row in found] for name, found in rows.items()}))


@pytest.fixture
async def payment_caller(ledger: LedgerCaller) -> AsyncIterator[PaymentCaller]:
    """A credited payment. There is no violation before it, and it is deleted afterwards."""
    assert await violations(ledger) == []
    payment_caller = await new_payment_caller(ledger)
    await payment_caller.report("SUCCEEDED")
    assert await violations(ledger) == []
    yield payment_caller
    await forge(ledger, "DELETE FROM payments")
    await forge(ledger, "DELETE FROM ledger_entries")


async def forge(ledger: LedgerCaller, sql: str, **parameters: object) -> None:
    """Change rows that the database protects."""
    async with ledger.database.transaction() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(sql), parameters)


async def test_payments_in_every_state_have_no_violation(ledger: LedgerCaller, payment_caller: PaymentCaller) -> None:
    for status in ("WAITING", "FAILED", "PARTIALLY_PAID", "REFUNDED"):
        await (await new_payment_caller(ledger, provider="nowpayments")).report(status)
    await payment_caller.report("REFUNDED")
    spent = await new_payment_caller(ledger)
    await spent.report("SUCCEEDED")
    await ledger.charge(spent.user_id, "30.00")
    await spent.report("REFUNDED")
    disputed = await new_payment_caller(ledger)
    await disputed.report("SUCCEEDED")
    await disputed.report("REFUNDED", amount="20.00")
    await disputed.reverse("dp_1", "WITHDRAWN", "50.00", sequence=5)
    assert await violations(ledger) == []
    await disputed.reverse("dp_1", "WON", "50.00", sequence=11)
    assert await violations(ledger) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET amount = 51",
        "UPDATE payments SET status = 'REFUNDED'",
        "UPDATE payments SET refunded_amount = 20",
        "UPDATE payments SET refunded_amount = 20, taken_back = 20",
        "UPDATE payments SET disputed_amount = 50",
        "UPDATE payments SET provider = 'nowpayments'",
        "UPDATE payments SET status = 'PENDING', credited_at = NULL",
        "UPDATE ledger_entries SET account_owner = 'a stranger' WHERE account_kind = 'wallet'",
        "DELETE FROM ledger_entries WHERE account_kind = 'external'",
    ],
)
async def test_payment_with_another_amount_in_the_ledger_is_reported(
    ledger: LedgerCaller, payment_caller: PaymentCaller, change: str
) -> None:
    await forge(ledger, change)
    [announced] = await violations(ledger)
    assert announced.startswith(f"payment {payment_caller.payment_id} (")


async def test_credit_without_a_payment_is_reported(ledger: LedgerCaller, payment_caller: PaymentCaller) -> None:
    answer = await ledger.top_up(payment_caller.user_id, "9.00", provider="stripe", reference=str(uuid.uuid4()))
    assert answer.status_code == 200
    [announced] = await violations(ledger)
    assert announced.startswith(f"stripe credited 9.00 to {payment_caller.user_id} for ")


async def test_payment_credited_twice_is_reported(ledger: LedgerCaller, payment_caller: PaymentCaller) -> None:
    await ledger.top_up(payment_caller.user_id, "50.00", provider="stripe", reference=str(payment_caller.payment_id))
    [announced] = await violations(ledger)
    assert announced.startswith(f"payment {payment_caller.payment_id} (SUCCEEDED) of 50.00 moved 50.00 (top_up)")


async def test_part_that_a_closed_payment_keeps_is_reported(ledger: LedgerCaller) -> None:
    crypto = await new_payment_caller(ledger, provider="nowpayments")
    await crypto.attach(details={"pay_amount": "1.0", "pay_currency": "btc"})
    await crypto.report("PARTIALLY_PAID", paid_amount="0.4")
    assert await violations(ledger) == []
    await forge(ledger, "UPDATE payments SET closed_at = now() WHERE payment_id = :id", id=crypto.payment_id)
    announced = await violations(ledger)
    await forge(ledger, "DELETE FROM payments")
    assert announced == [f"payment {crypto.payment_id} of 50.00 is closed, and 20.00 of it is not credited"]
