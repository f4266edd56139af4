"""The checker of the whole platform sees when credits and payments disagree."""

import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from devstack.invariants import payments
from devstack.invariants.snapshot import QUERIES, Snapshot
from tests.integration.users.people import Books
from tests.integration.users.till import Till, new_till


async def violations(books: Books) -> list[str]:
    rows = {
        name: await books.database.fetch_all(text(QUERIES[name].statement)) for name in ("payments", "payment_credits")
    }
    return payments.violations(Snapshot(**{name: [dict(row) for row in found] for name, found in rows.items()}))


@pytest.fixture
async def till(books: Books) -> AsyncIterator[Till]:
    """A payment that was credited. Before it, all is well; afterwards nothing is left of it."""
    assert await violations(books) == []
    till = await new_till(books)
    await till.report("SUCCEEDED")
    assert await violations(books) == []
    yield till
    await forge(books, "DELETE FROM payments")
    await forge(books, "DELETE FROM ledger_entries")


async def forge(books: Books, sql: str, **parameters: object) -> None:
    """Change what cannot be changed."""
    async with books.database.transaction() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(sql), parameters)


async def test_payments_in_every_state_are_in_order(books: Books, till: Till) -> None:
    for status in ("WAITING", "FAILED", "PARTIALLY_PAID", "REFUNDED"):
        await (await new_till(books, provider="nowpayments")).report(status)
    await till.report("REFUNDED")
    spent = await new_till(books)
    await spent.report("SUCCEEDED")
    await books.deduct(spent.user_id, "30.00")
    await spent.report("REFUNDED")
    assert await violations(books) == []


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
async def test_a_payment_that_did_not_move_what_it_says_is_seen(books: Books, till: Till, change: str) -> None:
    await forge(books, change)
    [told] = await violations(books)
    assert told.startswith(f"payment {till.payment_id} (")


async def test_a_credit_for_no_payment_is_seen(books: Books, till: Till) -> None:
    answer = await books.top_up(till.user_id, "9.00", provider="stripe", reference=str(uuid.uuid4()))
    assert answer.status_code == 200
    [told] = await violations(books)
    assert told.startswith(f"stripe credited 9.00 to {till.user_id} for ")


async def test_a_payment_that_was_credited_twice_is_seen(books: Books, till: Till) -> None:
    await books.top_up(till.user_id, "50.00", provider="stripe", reference=str(till.payment_id))
    [told] = await violations(books)
    assert told.startswith(f"payment {till.payment_id} (SUCCEEDED) of 50.00 moved 50.00 (top_up)")
