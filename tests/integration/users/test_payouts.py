"""Payouts of performers who are settled in batches (Q6)."""

import asyncio
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.test_ledger_debts import owed_by, put_in_debt
from tests.integration.users.tips import PRICE, tip
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of

MANY: Final = 5_000
# Tips that were paid before, as `escrow/pay` leaves them; the wallets of their buyers do not matter here.
_FILL: Final = """
    WITH tips AS MATERIALIZED (
        SELECT gen_random_uuid() AS transaction_id, n, CAST(n % 97 AS numeric) / 100 + 1 AS amount
        FROM generate_series(1, :many) AS n),
    moved AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT transaction_id, gen_random_uuid(), 'performer_payment', '' FROM tips),
    booked AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, side.kind, side.owner, 'SGD', side.amount FROM tips
        CROSS JOIN LATERAL (VALUES ('external', 'tests', -amount), ('pending_earnings', CAST(:performer AS text), amount))
                           AS side (kind, owner, amount))
    INSERT INTO pending_earnings (item_id, performer_user_id, amount, transaction_id)
    SELECT gen_random_uuid(), CAST(:performer AS uuid), amount, transaction_id FROM tips
"""


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


@pytest.fixture
async def performer(ledger: LedgerCaller) -> uuid.UUID:
    return await ledger.open_wallet()


class TestPayOut:
    async def test_all_pending_earnings_reach_the_wallet_in_one_transaction(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID
    ) -> None:
        items = [await tip(ledger, performer, amount) for amount in ("0.01", "7.50", "12.00")]
        other = await ledger.open_wallet()
        await tip(ledger, other)

        answer = await ledger.pay_out(performer)

        paid = answer.json()["data"]
        assert (answer.status_code, paid["amount"], paid["items"]) == (200, "19.51", 3)
        assert await ledger.wallet_of(performer) == Decimal("19.51")
        assert await ledger.sum_of("pending_earnings", performer) == 0
        assert await ledger.sum_of("pending_earnings", other) == Decimal(PRICE)
        assert await items_of(ledger, paid["payout_id"]) == sorted(items)
        movements = text("SELECT count(*) AS n FROM ledger_transactions WHERE reference = :id AND kind = 'payout'")
        assert [row["n"] for row in await database.fetch_all(movements, {"id": paid["payout_id"]})] == [1]

    async def test_five_thousand_tips_are_paid_out_to_the_cent(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID
    ) -> None:
        await database.execute(text(_FILL), {"many": MANY, "performer": str(performer)})
        due = await ledger.sum_of("pending_earnings", performer)

        paid = (await ledger.pay_out(performer)).json()["data"]

        assert (Decimal(paid["amount"]), paid["items"]) == (due, MANY)
        assert await ledger.wallet_of(performer) == due
        assert len(await items_of(ledger, paid["payout_id"], page=1_000)) == MANY

    async def test_repetition_returns_the_first_response(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        await tip(ledger, performer)
        request_id = uuid.uuid4()
        first = await ledger.pay_out(performer, request_id=request_id)
        await tip(ledger, performer)

        again = await ledger.pay_out(performer, request_id=request_id)

        assert again.json() == first.json()
        assert await ledger.wallet_of(performer) == Decimal(PRICE)

    async def test_concurrent_payouts_pay_each_item_once(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        for _ in range(10):
            await tip(ledger, performer, "1.00")

        answers = await asyncio.gather(*(ledger.pay_out(performer) for _ in range(2)))

        assert sorted(answer.json()["data"]["amount"] for answer in answers) == ["0.00", "10.00"]
        assert await ledger.wallet_of(performer) == 10

    async def test_tips_during_payouts_are_paid_once(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        async def pay_out() -> None:
            for _ in range(5):
                (await ledger.pay_out(performer)).raise_for_status()

        await asyncio.gather(pay_out(), *(tip(ledger, performer, "1.00") for _ in range(20)))
        await ledger.pay_out(performer)

        assert await ledger.wallet_of(performer) == 20
        assert await ledger.sum_of("pending_earnings", performer) == 0

    async def test_nothing_pending_is_a_payout_of_nothing_with_the_next_number(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID
    ) -> None:
        answer = await ledger.pay_out(performer)
        await tip(ledger, performer)
        await ledger.pay_out(performer)

        assert (answer.json()["data"]["amount"], answer.json()["data"]["items"]) == ("0.00", 0)
        rows = await database.fetch_all(
            text("SELECT number, items, transaction_id FROM payouts WHERE performer_user_id = :id ORDER BY number"),
            {"id": performer},
        )
        assert [(row["number"], row["items"], row["transaction_id"] is None) for row in rows] == [
            (1, 0, True),
            (2, 1, False),
        ]

    async def test_debt_is_paid_first(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        await put_in_debt(ledger, performer, "20.00")
        await tip(ledger, performer)
        await tip(ledger, performer)

        paid = await ledger.pay_out(performer)

        assert paid.json()["data"]["amount"] == "25.00"
        assert (await ledger.wallet_of(performer), await owed_by(ledger, performer)) == (Decimal(5), Decimal(0))

    async def test_unknown_performer_is_refused_and_the_refusal_is_stored(self, ledger: LedgerCaller) -> None:
        answer = await ledger.pay_out(uuid.uuid4())
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert answer.headers["x-refusal-remembered"] == "true"


class TestDue:
    async def test_sum_or_age_makes_a_payout_due(self, ledger: LedgerCaller, database: Database) -> None:
        rich, old, neither = [await ledger.open_wallet() for _ in range(3)]
        await ledger.pay_out(old)
        for performer, amounts in ((rich, ["60.00", "40.00"]), (old, ["1.00"]), (neither, ["99.99"])):
            for amount in amounts:
                await tip(ledger, performer, amount)
        aged = "UPDATE pending_earnings SET created_at = now() - interval '1 hour' WHERE performer_user_id = :id"
        await database.execute(text(aged), {"id": old})

        found = await due(ledger, older_than_seconds=3_000, at_least="100.00")

        assert [(each, found.get(str(each))) for each in (rich, old, neither)] == [(rich, 0), (old, 1), (neither, None)]

    async def test_paid_earnings_are_not_due(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        await tip(ledger, performer)
        assert (await due(ledger, older_than_seconds=0, at_least="0.01"))[str(performer)] == 0
        await ledger.pay_out(performer)
        assert str(performer) not in await due(ledger, older_than_seconds=0, at_least="0.01")


class TestOwnPayouts:
    async def test_performer_sees_their_own_newest_first(self, ledger: LedgerCaller, user_client: UserClient) -> None:
        performer, other = await user_client.join(), await user_client.join()
        await ledger.make_performer(performer.user_id)
        await ledger.pay_out(performer.user_id)  # it paid nothing, and is not shown
        for amount in ("1.00", "2.00"):
            await tip(ledger, performer.user_id, amount)
            await ledger.pay_out(performer.user_id)

        answer = await read_payouts(user_client, performer, per_page=1)

        assert answer.status_code == 200
        [payout] = answer.json()["data"]
        assert (payout["amount"], payout["items"], payout["number"]) == ("2.00", 1, 3)
        assert answer.json()["pagination"]["total"] == 2
        assert (await read_payouts(user_client, other)).json()["data"] == []

    async def test_without_a_token_it_is_refused(self, user_client: UserClient) -> None:
        assert (await user_client.http.get("/api/performer/payouts")).status_code == 401


async def items_of(ledger: LedgerCaller, payout_id: object, *, page: int = 2) -> list[uuid.UUID]:
    """Return the items of a payout, read page by page."""
    items: list[uuid.UUID] = []
    while True:
        query: dict[str, str | int] = {"limit": page} | ({"after": str(items[-1])} if items else {})
        answer = await ledger.http.get(f"/internal/ledger/payouts/{payout_id}/items", params=query)
        found: Sequence[str] = answer.json()["data"]
        if not found:
            return items
        items += map(uuid.UUID, found)


async def due(ledger: LedgerCaller, **query: Any) -> dict[str, int]:
    """Return the number of payouts of each performer whose payout is due."""
    answer = await ledger.http.get("/internal/ledger/payouts/due", params={"limit": 1_000, **query})
    answer.raise_for_status()
    return {row["performer_user_id"]: row["payouts"] for row in answer.json()["data"]}


async def read_payouts(user_client: UserClient, performer: LoggedInUser, **query: Any) -> httpx.Response:
    return await user_client.http.get("/api/performer/payouts", headers=performer.headers, params=query)
