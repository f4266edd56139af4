"""Payments to performers, at once and in batches (Q1, Q3, Q6)."""

import asyncio
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.test_flagged_users import prove
from tests.integration.users.test_ledger_debts import owed_by, put_in_debt
from tests.integration.users.test_ledger_locks import assert_holds_no_lock_while_waiting
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of

PRICE: Final = "12.50"
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


async def held(ledger: LedgerCaller, *, by: uuid.UUID | None = None, amount: str = PRICE) -> str:
    """Return an escrow for a tip."""
    buyer = by or await ledger.open_wallet(amount)
    hold = await ledger.hold(buyer, amount, purpose="tip_grid_item")
    hold.raise_for_status()
    return str(hold.json()["data"]["escrow_id"])


async def tip(ledger: LedgerCaller, performer: uuid.UUID, amount: str = PRICE) -> uuid.UUID:
    """Pay a tip to pending earnings, and return the item's id."""
    item_id = uuid.uuid4()
    paid = await ledger.pay(await held(ledger, amount=amount), performer, item_id=item_id, is_batched=True)
    paid.raise_for_status()
    return item_id


async def escrow(database: Database, escrow_id: str) -> tuple[str, str | None]:
    """Return an escrow's status and purpose."""
    statement = text("SELECT status, purpose FROM escrows WHERE escrow_id = :id")
    [row] = await database.fetch_all(statement, {"id": uuid.UUID(escrow_id)})
    return row["status"], row["purpose"]


async def points_of(database: Database, user_id: uuid.UUID) -> int:
    statement = text(
        "SELECT coalesce(sum(amount), 0) AS points FROM balances WHERE currency = 'POINTS' AND account_owner = :o"
    )
    [row] = await database.fetch_all(statement, {"o": str(user_id)})
    return int(row["points"])


async def delete(database: Database, user_id: uuid.UUID) -> None:
    await database.execute(text("UPDATE users SET deleted_at = now() WHERE user_id = :id"), {"id": user_id})


class TestPay:
    async def test_escrow_reaches_the_performers_wallet(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID
    ) -> None:
        buyer = await ledger.open_wallet("20.00")
        escrow_id = await held(ledger, by=buyer)

        paid = await ledger.pay(escrow_id, performer)

        assert paid.status_code == 200
        assert paid.json()["data"]["transaction_id"]
        assert await ledger.wallet_of(performer) == Decimal(PRICE)
        assert await ledger.wallet_of(buyer) == Decimal("7.50")
        assert await ledger.sum_of("escrow", buyer) == 0
        assert await escrow(database, escrow_id) == ("RELEASED", "tip_grid_item")

    async def test_batched_escrow_becomes_pending_earnings(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        buyer = await ledger.open_wallet(PRICE)

        paid = await ledger.pay(await held(ledger, by=buyer), performer, is_batched=True)

        assert paid.status_code == 200
        assert await ledger.wallet_of(performer) == 0
        assert await ledger.sum_of("pending_earnings", performer) == Decimal(PRICE)
        assert await ledger.sum_of("escrow", buyer) == 0

    @pytest.mark.parametrize("is_batched", [False, True])
    async def test_points_are_awarded_in_the_same_transaction(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID, *, is_batched: bool
    ) -> None:
        buyer = await ledger.open_wallet("100.00")
        await ledger.pay(await held(ledger, by=buyer), performer, bonus_points=5, is_batched=is_batched)

        paid = await ledger.pay(await held(ledger, by=buyer), performer, bonus_points=7, is_batched=is_batched)

        assert await points_of(database, buyer) == 12
        statement = text(
            "SELECT currency, sum(amount) AS sum, count(*) AS n FROM ledger_entries WHERE transaction_id = :id GROUP BY 1 ORDER BY 1"
        )
        rows = await database.fetch_all(statement, {"id": uuid.UUID(paid.json()["data"]["transaction_id"])})
        assert [(row["currency"], row["sum"], row["n"]) for row in rows] == [("POINTS", 0, 2), ("SGD", 0, 2)]

    @pytest.mark.parametrize("is_batched", [False, True])
    async def test_repetition_returns_the_first_response_and_moves_nothing(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID, *, is_batched: bool
    ) -> None:
        buyer = await ledger.open_wallet("100.00")
        same = {"request_id": uuid.uuid4(), "item_id": uuid.uuid4(), "is_batched": is_batched, "bonus_points": 3}
        escrow_id = await held(ledger, by=buyer)

        answers = await asyncio.gather(*(ledger.pay(escrow_id, performer, **same) for _ in range(20)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        earned = await ledger.wallet_of(performer) + await ledger.sum_of("pending_earnings", performer)
        assert (earned, await points_of(database, buyer)) == (Decimal(PRICE), 3)

    @pytest.mark.parametrize("changed", [{"is_batched": True}, {"bonus_points": 1}, {"item_id": uuid.uuid4()}])
    async def test_request_id_with_other_facts_is_refused(
        self, ledger: LedgerCaller, performer: uuid.UUID, changed: dict[str, Any]
    ) -> None:
        same = {"request_id": uuid.uuid4(), "item_id": uuid.uuid4()}
        escrow_id = await held(ledger)
        await ledger.pay(escrow_id, performer, **same)

        answer = await ledger.pay(escrow_id, performer, **(same | changed))

        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")

    @pytest.mark.parametrize("is_batched", [False, True])
    async def test_resolved_escrow_is_refused_and_the_refusal_is_stored(
        self, ledger: LedgerCaller, performer: uuid.UUID, *, is_batched: bool
    ) -> None:
        buyer = await ledger.open_wallet(PRICE)
        escrow_id = await held(ledger, by=buyer)
        await ledger.void(escrow_id=escrow_id)

        answer = await ledger.pay(escrow_id, performer, is_batched=is_batched, bonus_points=5)

        assert (answer.status_code, code_of(answer)) == (409, "ESCROW_ALREADY_RESOLVED")
        assert answer.headers["x-refusal-remembered"] == "true"
        assert await ledger.wallet_of(buyer) == Decimal(PRICE)
        assert await ledger.wallet_of(performer) == await ledger.sum_of("pending_earnings", performer) == 0

    async def test_concurrent_payment_and_void_have_one_winner(
        self, ledger: LedgerCaller, performer: uuid.UUID
    ) -> None:
        for _ in range(10):
            buyer = await ledger.open_wallet(PRICE)
            escrow_id = await held(ledger, by=buyer)
            before = await ledger.wallet_of(performer)

            answers = await asyncio.gather(
                ledger.pay(escrow_id, performer),
                ledger.void(escrow_id=escrow_id),
                ledger.pay(escrow_id, performer, is_batched=True),
            )

            assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
            earned = await ledger.wallet_of(performer) - before
            pending = await ledger.sum_of("pending_earnings", performer)
            await ledger.pay_out(performer)
            assert earned + pending + await ledger.wallet_of(buyer) == Decimal(PRICE)

    @pytest.mark.parametrize("is_batched", [False, True])
    async def test_unknown_or_deleted_performer_leaves_the_escrow_held(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID, *, is_batched: bool
    ) -> None:
        await delete(database, performer)
        escrow_id = await held(ledger)
        for recipient in (uuid.uuid4(), performer):
            same = {"request_id": uuid.uuid4(), "item_id": uuid.uuid4(), "is_batched": is_batched}
            for _ in range(2):
                answer = await ledger.pay(escrow_id, recipient, **same)
                assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
                assert answer.headers["x-refusal-remembered"] == "true"
        assert await escrow(database, escrow_id) == ("HELD", "tip_grid_item")

    async def test_unknown_escrow_is_404(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        answer = await ledger.pay(uuid.uuid4(), performer)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")

    async def test_debt_is_paid_first(self, ledger: LedgerCaller, performer: uuid.UUID) -> None:
        await put_in_debt(ledger, performer, "10.00")
        await ledger.pay(await held(ledger), performer)
        assert (await ledger.wallet_of(performer), await owed_by(ledger, performer)) == (Decimal("2.50"), Decimal(0))

    @pytest.mark.parametrize("wrong", [{"bonus_points": -1}, {"bonus_points": True}, {"purpose": "x"}])
    async def test_malformed_call_is_refused(
        self, ledger: LedgerCaller, performer: uuid.UUID, wrong: dict[str, Any]
    ) -> None:
        answer = await ledger.pay(uuid.uuid4(), performer, **wrong)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    async def test_balances_are_locked_in_order(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID
    ) -> None:
        buyer = await ledger.open_wallet(PRICE)
        escrow_id = await held(ledger, by=buyer)
        await assert_holds_no_lock_while_waiting(
            database,
            lambda: ledger.pay(escrow_id, performer, bonus_points=5),
            first=("escrow", buyer),
            second=("wallet", performer),
        )

    async def test_wallets_statement_names_the_kind_and_the_item(
        self, ledger: LedgerCaller, user_client: UserClient
    ) -> None:
        performer, item_id = await user_client.join(), uuid.uuid4()
        await ledger.pay(await held(ledger), performer.user_id, item_id=item_id)
        answer = await user_client.http.get("/api/credits/statement", headers=performer.headers)
        [entry] = answer.json()["data"]["entries"]
        assert (entry["kind"], entry["reference"], entry["amount"]) == ("performer_payment", str(item_id), PRICE)


class TestSpendingOnTips:
    async def test_flagged_buyer_needs_a_code_for_that_tip(self, ledger: LedgerCaller, database: Database) -> None:
        buyer, offer = await ledger.open_wallet("100.00"), str(uuid.uuid4())
        await ledger.flag(buyer)
        tip = {"purpose": "tip_grid_item", "proof_reference": offer}

        before = await ledger.hold(buyer, PRICE, **tip)
        await prove(ledger, buyer, offer)
        other = await ledger.hold(buyer, PRICE, **(tip | {"proof_reference": str(uuid.uuid4())}))
        after = await ledger.hold(buyer, PRICE, **tip)

        assert [code_of(before), code_of(other), after.status_code] == ["OTP_REQUIRED", "OTP_REQUIRED", 200]
        assert before.headers["x-refusal-remembered"] == "true"
        assert await escrow(database, after.json()["data"]["escrow_id"]) == ("HELD", "tip_grid_item")

    async def test_suspended_buyer_is_refused(self, ledger: LedgerCaller, database: Database) -> None:
        buyer = await ledger.open_wallet("100.00")
        await database.execute(text("UPDATE users SET suspended_at = now() WHERE user_id = :id"), {"id": buyer})
        answer = await ledger.hold(buyer, PRICE, purpose="tip_grid_item")
        assert (answer.status_code, code_of(answer)) == (403, "ACCOUNT_SUSPENDED")

    async def test_purpose_is_no_part_of_the_fingerprint(self, ledger: LedgerCaller) -> None:
        """A hold of the previous release, which knows no purpose, is repeated by this one."""
        buyer, request_id = await ledger.open_wallet("100.00"), uuid.uuid4()
        first = await ledger.hold(buyer, PRICE, request_id=request_id)
        again = await ledger.hold(buyer, PRICE, request_id=request_id, purpose="tip_grid_item")
        assert (first.status_code, first.json()) == (200, again.json())


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


class TestDeletion:
    async def test_account_with_pending_earnings_cannot_be_deleted(
        self, ledger: LedgerCaller, user_client: UserClient
    ) -> None:
        performer = await user_client.join()
        await tip(ledger, performer.user_id)
        body = {"user_id": str(performer.user_id), "current_password": "correct horse battery", "forfeits": True}

        answer = await ledger.http.post("/internal/personal-data/delete", json=body)
        holdings = await ledger.http.get(f"/internal/personal-data/{performer.user_id}/holdings")

        assert (answer.status_code, code_of(answer)) == (409, "ACCOUNT_IN_USE")
        assert answer.json()["details"] == {"pending_earnings": PRICE}
        assert holdings.json()["data"]["pending_earnings"] == PRICE


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
