"""The checker of the whole platform sees when credits and payments disagree."""

import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from devstack.invariants import payments
from devstack.invariants.books import READS
from devstack.invariants.books import Books as PlatformRows
from tests.integration.users.payment_caller import PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller


async def violations(ledger_caller: LedgerCaller) -> list[str]:
    rows = {
        name: await ledger_caller.database.fetch_all(text(READS[name].statement))
        for name in ("payments", "payment_credits")
    }
    return payments.violations(PlatformRows(**{name: [dict(row) for row in found] for name, found in rows.items()}))


@pytest.fixture
async def payment_caller(ledger_caller: LedgerCaller) -> AsyncIterator[PaymentCaller]:
    """A payment that was credited. Before it, all is well; afterwards nothing is left of it."""
    assert await violations(ledger_caller) == []
    payment_caller = await new_payment_caller(ledger_caller)
    await payment_caller.report("SUCCEEDED")
    assert await violations(ledger_caller) == []
    yield payment_caller
    await forge(ledger_caller, "DELETE FROM payments")
    await forge(ledger_caller, "DELETE FROM ledger_entries")


async def forge(ledger_caller: LedgerCaller, sql: str, **parameters: object) -> None:
    """Change what cannot be changed."""
    async with ledger_caller.database.transaction() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(sql), parameters)


async def test_payments_in_every_state_are_in_order(ledger_caller: LedgerCaller, payment_caller: PaymentCaller) -> None:
    for status in ("WAITING", "FAILED", "PARTIALLY_PAID", "REFUNDED"):
        await (await new_payment_caller(ledger_caller, provider="nowpayments")).report(status)
    await payment_caller.report("REFUNDED")
    spent = await new_payment_caller(ledger_caller)
    await spent.report("SUCCEEDED")
    await ledger_caller.deduct(spent.user_id, "30.00")
    await spent.report("REFUNDED")
    assert await violations(ledger_caller) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET amount = 51",
        "UPDATE payments SET status = 'REFUNDED'",
        "UPDATE payments SET provider = 'nowpayments'",
        "UPDATE payments SET status = 'PENDING', credited_at = NULL",
        "UPDATE ledger_entries SET account_owner = 'a stranger' WHERE account_kind = 'wallet'",
        "DELETE FROM ledger_entries WHERE account_kind = 'external'",
    ],
)
async def test_a_payment_that_did_not_move_what_it_says_is_seen(
    ledger_caller: LedgerCaller, payment_caller: PaymentCaller, change: str
) -> None:
    await forge(ledger_caller, change)
    [told] = await violations(ledger_caller)
    assert told.startswith(f"payment {payment_caller.payment_id} (")


async def test_a_credit_for_no_payment_is_seen(ledger_caller: LedgerCaller, payment_caller: PaymentCaller) -> None:
    answer = await ledger_caller.top_up(payment_caller.user_id, "9.00", provider="stripe", reference=str(uuid.uuid4()))
    assert answer.status_code == 200
    [told] = await violations(ledger_caller)
    assert told.startswith(f"stripe credited 9.00 to {payment_caller.user_id} for ")


async def test_a_payment_that_was_credited_twice_is_seen(
    ledger_caller: LedgerCaller, payment_caller: PaymentCaller
) -> None:
    await ledger_caller.top_up(
        payment_caller.user_id, "50.00", provider="stripe", reference=str(payment_caller.payment_id)
    )
    [told] = await violations(ledger_caller)
    assert told.startswith(f"payment {payment_caller.payment_id} (SUCCEEDED) of 50.00 moved 50.00 (top_up)")
