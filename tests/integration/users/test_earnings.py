"""Payments to performers, to their wallets or as pending earnings (Q1, Q3, Q6)."""

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.test_flagged_users import prove
from tests.integration.users.test_ledger_debts import owed_by, put_in_debt
from tests.integration.users.test_ledger_locks import assert_holds_no_lock_while_waiting
from tests.integration.users.tips import PRICE, held, tip
from tests.integration.users.user_client import LedgerCaller, UserClient, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


@pytest.fixture
async def performer(ledger: LedgerCaller) -> uuid.UUID:
    return await ledger.open_wallet()


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
    @pytest.mark.parametrize(
        "change", ["deleted_at = now()", "suspended_at = now()", "roles = '{customer}'", "roles = '{customer,admin}'"]
    )
    async def test_who_is_no_performer_leaves_the_escrow_held(
        self, ledger: LedgerCaller, database: Database, performer: uuid.UUID, *, is_batched: bool, change: str
    ) -> None:
        """Unknown, deleted, suspended, or without the role."""
        statement = text(f"UPDATE users SET {change} WHERE user_id = :id")  # noqa: S608 - the cases above
        await database.execute(statement, {"id": performer})
        escrow_id = await held(ledger)
        for recipient in (uuid.uuid4(), performer):
            same = {"request_id": uuid.uuid4(), "item_id": uuid.uuid4(), "is_batched": is_batched}
            for _ in range(2):
                answer = await ledger.pay(escrow_id, recipient, **same)
                assert (answer.status_code, code_of(answer)) == (404, "PERFORMER_NOT_FOUND")
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
        await ledger.make_performer(performer.user_id)
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


class TestDeletion:
    async def test_account_with_pending_earnings_cannot_be_deleted(
        self, ledger: LedgerCaller, user_client: UserClient
    ) -> None:
        performer = await user_client.join()
        await ledger.make_performer(performer.user_id)
        await tip(ledger, performer.user_id)
        body = {"user_id": str(performer.user_id), "current_password": "correct horse battery", "forfeits": True}

        answer = await ledger.http.post("/internal/personal-data/delete", json=body)
        holdings = await ledger.http.get(f"/internal/personal-data/{performer.user_id}/holdings")

        assert (answer.status_code, code_of(answer)) == (409, "ACCOUNT_IN_USE")
        assert answer.json()["details"] == {"pending_earnings": PRICE, "roles": ["performer"]}
        assert holdings.json()["data"]["pending_earnings"] == PRICE
