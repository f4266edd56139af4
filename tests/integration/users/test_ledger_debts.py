"""Debts: every credit that reaches a wallet pays what its owner owes first; admins settle, write off and adjust (W2)."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.statement_pages import read_page
from tests.integration.users.test_ledger_locks import LOCK, WAITING
from tests.integration.users.user_client import LedgerCaller, UserClient
from tests.support.waiting import eventually

DEBT: Final = "30.00"
CREDIT: Final = "50.00"


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


async def put_in_debt(ledger: LedgerCaller, debtor: uuid.UUID, amount: str = DEBT) -> None:
    """Take back credits that the wallet does not have."""
    (await ledger.claw_back(debtor, await ledger.open_wallet(), amount)).raise_for_status()


async def owed_by(ledger: LedgerCaller, user_id: uuid.UUID) -> Decimal:
    """Return what the wallet says; the invariants compare it with the entries."""
    row = await ledger.database.fetch_one(
        text("SELECT owed FROM balances WHERE account_kind = 'wallet' AND account_owner = :owner"),
        {"owner": str(user_id)},
    )
    assert row is not None
    return Decimal(row["owed"])


class Credits:
    """Each way to credit a wallet: prepares the movement, and returns the call that makes it."""

    @staticmethod
    async def top_up(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        return lambda: ledger.top_up(debtor, CREDIT)

    @staticmethod
    async def transfer(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        friend = await ledger.open_wallet(CREDIT)
        return lambda: ledger.transfer(friend, debtor, CREDIT)

    @staticmethod
    async def undone_transfer(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        friend, done = await ledger.open_wallet(), uuid.uuid4()
        await ledger.top_up(debtor, CREDIT)
        await ledger.transfer(debtor, friend, CREDIT, request_id=done)
        return lambda: ledger.transfer(friend, debtor, CREDIT, undoes_request_id=done)

    @staticmethod
    async def clawback(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        seller = await ledger.open_wallet("10.00")
        return lambda: ledger.claw_back(seller, debtor, CREDIT)

    @staticmethod
    async def refund(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        charge_id = await charged(ledger, debtor)
        return lambda: ledger.refund(charge_id)

    @staticmethod
    async def refund_to(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        charge_id = await charged(ledger, await ledger.open_wallet())
        return lambda: ledger.refund_to(charge_id, (debtor, CREDIT))

    @staticmethod
    async def refund_part(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        charge_id = await charged(ledger, await ledger.open_wallet(), "80.00")
        return lambda: ledger.refund_part(charge_id, (debtor, CREDIT))

    @staticmethod
    async def sale(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        escrow_id = await held(ledger, await ledger.open_wallet())
        return lambda: ledger.release(escrow_id, debtor)

    @staticmethod
    async def void(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        escrow_id = await held(ledger, debtor)
        return lambda: ledger.void(escrow_id=escrow_id)

    @staticmethod
    async def collected_part(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        await ledger.top_up(debtor, "80.00")
        escrow_id = (await ledger.hold(debtor, "80.00")).json()["data"]["escrow_id"]
        return lambda: ledger.collect(escrow_id, account="digital_goods", amount="30.00")

    @staticmethod
    async def undone_hold(ledger: LedgerCaller, debtor: uuid.UUID) -> Callable[[], Awaitable[httpx.Response]]:
        hold_id = uuid.uuid4()
        await held(ledger, debtor, request_id=hold_id)
        return lambda: ledger.void(undoes_request_id=hold_id)


async def charged(ledger: LedgerCaller, payer: uuid.UUID, amount: str = CREDIT) -> uuid.UUID:
    charge_id = uuid.uuid4()
    await ledger.top_up(payer, amount)
    (await ledger.charge(payer, amount, request_id=charge_id)).raise_for_status()
    return charge_id


async def held(ledger: LedgerCaller, owner: uuid.UUID, **more: object) -> str:
    await ledger.top_up(owner, CREDIT)
    return str((await ledger.hold(owner, CREDIT, **more)).json()["data"]["escrow_id"])


EACH_CREDIT = pytest.mark.parametrize(
    "prepare",
    [value for name, value in vars(Credits).items() if isinstance(value, staticmethod)],
    ids=lambda it: it.__name__,
)


class TestCollection:
    @EACH_CREDIT
    async def test_credit_pays_the_debt_first(self, ledger: LedgerCaller, prepare: Any) -> None:
        debtor = await ledger.open_wallet()
        credit = await prepare(ledger, debtor)
        await put_in_debt(ledger, debtor)

        answer = await credit()

        assert answer.status_code == 200, answer.text
        assert await ledger.wallet_of(debtor) == Decimal(CREDIT) - Decimal(DEBT)
        assert await owed_by(ledger, debtor) == 0

    @EACH_CREDIT
    async def test_credit_below_the_debt_reduces_it(self, ledger: LedgerCaller, prepare: Any) -> None:
        debtor = await ledger.open_wallet()
        credit = await prepare(ledger, debtor)
        await put_in_debt(ledger, debtor, "70.00")

        assert (await credit()).status_code == 200

        assert await ledger.wallet_of(debtor) == 0
        assert await owed_by(ledger, debtor) == Decimal(20)

    async def test_answer_has_the_balance_after_collection(self, ledger: LedgerCaller) -> None:
        debtor, friend = await ledger.open_wallet(), await ledger.open_wallet("50.00")
        await put_in_debt(ledger, debtor)
        assert (await ledger.top_up(debtor, "31.00")).json()["data"]["balance"] == "1.00"
        await put_in_debt(ledger, debtor, "11.00")
        sent = await ledger.transfer(friend, debtor, "50.00")
        assert (sent.json()["data"]["from_balance"], sent.json()["data"]["to_balance"]) == ("0.00", "40.00")

    async def test_repeated_credit_collects_once(self, ledger: LedgerCaller) -> None:
        debtor, same = await ledger.open_wallet(), {"request_id": uuid.uuid4()}
        await put_in_debt(ledger, debtor)
        answers = [await ledger.top_up(debtor, "20.00", **same) for _ in range(3)]
        assert len({answer.text for answer in answers}) == 1
        assert await owed_by(ledger, debtor) == Decimal(10)

    async def test_undone_transfer_restores_the_debt_that_it_paid(self, ledger: LedgerCaller) -> None:
        debtor, friend, done = await ledger.open_wallet(), await ledger.open_wallet("50.00"), uuid.uuid4()
        await put_in_debt(ledger, debtor)
        await ledger.transfer(friend, debtor, "50.00", request_id=done)
        undo = await ledger.transfer(debtor, friend, "50.00", undoes_request_id=done)
        assert undo.status_code == 200
        assert (await ledger.wallet_of(debtor), await ledger.wallet_of(friend)) == (Decimal(0), Decimal(50))
        assert await owed_by(ledger, debtor) == Decimal(DEBT)

    async def test_free_movements_collect_nothing(self, ledger: LedgerCaller) -> None:
        debtor, friend = await ledger.open_wallet(), await ledger.open_wallet()
        await put_in_debt(ledger, debtor)
        assert (await ledger.transfer(friend, debtor, "0.00")).status_code == 200
        assert await owed_by(ledger, debtor) == Decimal(DEBT)

    async def test_points_pay_no_debt(self, ledger: LedgerCaller) -> None:
        debtor = await ledger.open_wallet()
        await put_in_debt(ledger, debtor)
        await ledger.post("/internal/ledger/points", user_id=debtor, points=50, reference="")
        assert await owed_by(ledger, debtor) == Decimal(DEBT)


class TestConcurrentCredits:
    async def test_credits_collect_the_debt_once(self, ledger: LedgerCaller) -> None:
        debtor, friend = await ledger.open_wallet(), await ledger.open_wallet("100.00")
        escrow_id = await held(ledger, friend)
        await put_in_debt(ledger, debtor)

        answers = await asyncio.gather(
            *(ledger.top_up(debtor, "10.00") for _ in range(10)),
            *(ledger.transfer(friend, debtor, "10.00") for _ in range(10)),
            ledger.release(escrow_id, debtor),
        )

        assert {answer.status_code for answer in answers} == {200}
        assert await owed_by(ledger, debtor) == 0
        assert await ledger.wallet_of(debtor) == Decimal(250 - 30)

    async def test_first_debt_and_credits_never_coexist(self, ledger: LedgerCaller) -> None:
        """Whichever comes first: a credit before the debt is taken, one after it pays it."""
        for _ in range(20):
            debtor, creditor = await ledger.open_wallet(), await ledger.open_wallet()
            await asyncio.gather(ledger.claw_back(debtor, creditor, "30.00"), ledger.top_up(debtor, "30.00"))
            assert (await owed_by(ledger, debtor), await ledger.wallet_of(debtor)) == (Decimal(0), Decimal(0))

    async def test_mutual_clawbacks_and_credits_lose_nothing(self, ledger: LedgerCaller) -> None:
        one, other = await ledger.open_wallet("20.00"), await ledger.open_wallet("20.00")
        answers = await asyncio.gather(
            *(
                call
                for _ in range(10)
                for call in (
                    ledger.claw_back(one, other, "9.00"),
                    ledger.claw_back(other, one, "7.00"),
                    ledger.top_up(one, "1.00"),
                )
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        wallets = await ledger.wallet_of(one) + await ledger.wallet_of(other)
        assert wallets - await owed_by(ledger, one) - await owed_by(ledger, other) == Decimal(50)


class TestShown:
    async def test_debtor_sees_the_debt_and_what_was_collected(
        self, user_client: UserClient, ledger: LedgerCaller
    ) -> None:
        fan = await user_client.join()
        await ledger.top_up(fan.user_id, "10.00")
        await put_in_debt(ledger, fan.user_id, "40.00")
        before = await read_page(user_client, fan)
        await ledger.top_up(fan.user_id, "25.00")
        after = await read_page(user_client, fan)
        balance = (await user_client.http.get("/api/credits/balance", headers=fan.headers)).json()["data"]

        assert (before["owed"], after["owed"]) == ("30.00", "5.00")
        assert balance == {"credit_balance": "0.00", "owed": "5.00", "currency": "SGD"}
        lines = [(entry["kind"], entry["amount"], entry["collected"]) for entry in after["entries"]]
        assert lines == [
            ("top_up", "0.00", "25.00"),
            ("transfer_reversal", "-10.00", "-30.00"),
            ("top_up", "10.00", "0.00"),
        ]

    async def test_later_pages_and_points_show_what_is_owed(
        self, user_client: UserClient, ledger: LedgerCaller
    ) -> None:
        fan = await user_client.join()
        for _ in range(2):
            await put_in_debt(ledger, fan.user_id)
        first = await read_page(user_client, fan, limit="1")
        second = await read_page(user_client, fan, limit="1", cursor=first["next_cursor"])
        assert (first["owed"], second["owed"]) == ("60.00", "60.00")
        assert (await read_page(user_client, fan, currency="POINTS"))["owed"] == "0.00"


async def test_credit_that_waits_for_a_debt_in_progress_pays_it(ledger: LedgerCaller, database: Database) -> None:
    """The credit's snapshot is older than the debt; the wallet's locked row shows it."""
    debtor, creditor = await ledger.open_wallet(), await ledger.open_wallet()

    async def waiting(number: int) -> bool:
        return len(await database.fetch_all(WAITING)) == number

    async with database.transaction() as holder:
        await holder.execute(text(LOCK), {"kind": "wallet", "owner": str(debtor)})
        clawback = asyncio.ensure_future(ledger.claw_back(debtor, creditor, DEBT))
        await eventually(lambda: waiting(1))
        credit = asyncio.ensure_future(ledger.transfer(await ledger.open_wallet(CREDIT), debtor, CREDIT))
        await eventually(lambda: waiting(2))
    assert [(await call).status_code for call in (clawback, credit)] == [200, 200]
    assert await ledger.wallet_of(debtor) == Decimal(20)
    assert await owed_by(ledger, debtor) == 0
