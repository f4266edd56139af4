"""Reversals: a charge refunded to users other than the payer (T7), credits that were spent meanwhile (T9)."""

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest

from common.db.engine import Database
from tests.integration.users.test_ledger_locks import assert_holds_no_lock_while_waiting
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


async def charge(ledger: LedgerCaller, amount: str = "70.00") -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
    """Charge a user who had 100.00; returns the user, the request and the event."""
    payer, charge_id, event = await ledger.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
    (await ledger.charge(payer, amount, request_id=charge_id, event_id=event)).raise_for_status()
    return payer, charge_id, event


class TestRefundTo:
    async def test_charge_is_split_among_the_recipients(self, ledger: LedgerCaller) -> None:
        payer, charge_id, event = await charge(ledger)
        holder = await ledger.open_wallet("5.00")

        answer = await ledger.refund_to(charge_id, (holder, "50.00"), (payer, "15.00"), (holder, "5.00"))

        assert answer.status_code == 200
        assert answer.json()["data"]["transaction_id"] is not None
        assert answer.json()["data"]["balance"] is None
        assert (await ledger.wallet_of(holder), await ledger.wallet_of(payer)) == (Decimal(60), Decimal(45))
        assert await ledger.sum_of("revenue", event) == 0

    async def test_repetition_returns_the_first_response_in_any_recipient_order(self, ledger: LedgerCaller) -> None:
        payer, charge_id, _ = await charge(ledger)
        holder, refund = await ledger.open_wallet(), uuid.uuid4()
        first = await ledger.refund_to(charge_id, (holder, "50.00"), (payer, "20.00"), request_id=refund)
        second = await ledger.refund_to(
            charge_id, (payer, "20"), (holder, "30.00"), (holder, "20.00"), request_id=refund
        )
        assert first.status_code == 200
        assert second.json() == first.json()
        assert await ledger.wallet_of(holder) == Decimal(50)

    async def test_request_id_with_other_shares_is_refused(self, ledger: LedgerCaller) -> None:
        payer, charge_id, _ = await charge(ledger)
        refund = uuid.uuid4()
        await ledger.refund_to(charge_id, (payer, "70.00"), request_id=refund)
        answers = [
            await ledger.refund_to(charge_id, (await ledger.open_wallet(), "70.00"), request_id=refund),
            await ledger.refund(charge_id, request_id=refund),
        ]
        assert {(one.status_code, code_of(one)) for one in answers} == {(422, "IDEMPOTENCY_KEY_REUSED")}

    @pytest.mark.parametrize("shares", [("69.99",), ("70.01",), ("30.00", "39.00"), ("0.00",)])
    async def test_shares_that_do_not_add_up_are_refused(self, ledger: LedgerCaller, shares: tuple[str, ...]) -> None:
        payer, charge_id, event = await charge(ledger)
        user_client = [await ledger.open_wallet() for _ in shares]

        answer = await ledger.refund_to(charge_id, *zip(user_client, shares, strict=True))

        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")
        assert await ledger.sum_of("revenue", event) == Decimal(70)
        assert (await ledger.refund(charge_id)).json()["data"]["balance"] == "100.00"
        assert await ledger.wallet_of(payer) == Decimal(100)

    async def test_unknown_recipient_is_404_and_moves_nothing(self, ledger: LedgerCaller) -> None:
        _, charge_id, event = await charge(ledger)
        holder = await ledger.open_wallet()
        answer = await ledger.refund_to(charge_id, (holder, "35.00"), (uuid.uuid4(), "35.00"))
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await ledger.wallet_of(holder) == 0
        assert await ledger.sum_of("revenue", event) == Decimal(70)

    async def test_refund_of_an_unknown_charge_leaves_a_tombstone(self, ledger: LedgerCaller) -> None:
        fan, charge_id = await ledger.open_wallet("100.00"), uuid.uuid4()
        refund = await ledger.refund_to(charge_id, (fan, "70.00"))
        late = await ledger.charge(fan, "70.00", request_id=charge_id)
        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")

    async def test_refund_of_another_movement_is_refused(self, ledger: LedgerCaller) -> None:
        fan, gift = await ledger.open_wallet(), uuid.uuid4()
        await ledger.top_up(fan, "5.00", request_id=gift)
        answer = await ledger.refund_to(gift, (fan, "5.00"))
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")

    async def test_free_charge_is_refunded(self, ledger: LedgerCaller) -> None:
        _, charge_id, _ = await charge(ledger, "0.00")
        answer = await ledger.refund_to(charge_id, (await ledger.open_wallet(), "0.00"))
        assert answer.json()["data"]["transaction_id"] is not None

    async def test_concurrent_refunds_reverse_once(self, ledger: LedgerCaller) -> None:
        payer, charge_id, event = await charge(ledger)
        holder = await ledger.open_wallet()

        answers = await asyncio.gather(
            *(ledger.refund_to(charge_id, (holder, "70.00")) for _ in range(10)),
            *(ledger.refund(charge_id) for _ in range(10)),
        )

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["data"]["transaction_id"] for answer in answers}) == 1
        assert {await ledger.wallet_of(payer), await ledger.wallet_of(holder)} in ({30, 70}, {100, 0})
        assert await ledger.sum_of("revenue", event) == 0

    async def test_concurrent_charge_and_refund_leave_nothing(self, ledger: LedgerCaller) -> None:
        fan, holder = await ledger.open_wallet("1000.00"), await ledger.open_wallet()

        async def pay_and_undo() -> None:
            charge_id, event = uuid.uuid4(), uuid.uuid4()
            await asyncio.gather(
                ledger.charge(fan, "1.00", request_id=charge_id, event_id=event),
                ledger.refund_to(charge_id, (holder, "1.00")),
                ledger.charge(fan, "1.00", request_id=charge_id, event_id=event),
            )
            assert await ledger.sum_of("revenue", event) == 0

        await asyncio.gather(*(pay_and_undo() for _ in range(25)))
        assert await ledger.wallet_of(fan) + await ledger.wallet_of(holder) == Decimal(1000)

    @pytest.mark.parametrize("direction", ["low to high", "high to low"])
    async def test_accounts_are_locked_in_the_global_order(
        self, ledger: LedgerCaller, database: Database, direction: str
    ) -> None:
        low, high = sorted([await ledger.open_wallet() for _ in range(2)], key=str)
        _, charge_id, _ = await charge(ledger)
        shares = [(low, "30.00"), (high, "40.00")]
        await assert_holds_no_lock_while_waiting(
            database,
            lambda: ledger.refund_to(charge_id, *(shares if direction == "low to high" else reversed(shares))),
            first=("wallet", low),
            second=("wallet", high),
        )

    @pytest.mark.parametrize("count", [0, 21])
    async def test_one_to_twenty_recipients_are_allowed(self, ledger: LedgerCaller, count: int) -> None:
        answer = await ledger.refund_to(uuid.uuid4(), *((uuid.uuid4(), "1.00") for _ in range(count)))
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestClawback:
    @pytest.mark.parametrize(
        ("has", "taken", "shortfall"),
        [
            ("100.00", "80.00", "0.00"),
            ("80.00", "80.00", "0.00"),
            ("30.00", "30.00", "50.00"),
            ("0.00", "0.00", "80.00"),
        ],
    )
    async def test_clawback_takes_the_balance_and_records_the_shortfall(
        self, ledger: LedgerCaller, has: str, taken: str, shortfall: str
    ) -> None:
        debtor, creditor = await ledger.open_wallet(has), await ledger.open_wallet("5.00")

        answer = await ledger.claw_back(debtor, creditor, "80.00")

        data = answer.json()["data"]
        assert data.pop("transaction_id")
        assert data == {"taken": taken, "shortfall": shortfall, "to_balance": "85.00"}
        assert await ledger.wallet_of(debtor) == Decimal(has) - Decimal(taken)
        assert await ledger.wallet_of(creditor) == Decimal(85)
        assert await ledger.sum_of("receivable", debtor) == -Decimal(shortfall)

    async def test_repetition_returns_the_first_response(self, ledger: LedgerCaller) -> None:
        debtor, creditor, request_id = (await ledger.open_wallet("30.00"), await ledger.open_wallet(), uuid.uuid4())
        first = await ledger.claw_back(debtor, creditor, "80.00", request_id=request_id)
        await ledger.top_up(debtor, "100.00")
        second = await ledger.claw_back(debtor, creditor, "80.00", request_id=request_id)
        other = await ledger.claw_back(debtor, creditor, "81.00", request_id=request_id)
        assert second.json() == first.json()
        assert (other.status_code, code_of(other)) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert (await ledger.wallet_of(debtor), await ledger.wallet_of(creditor)) == (Decimal(50), Decimal(80))

    async def test_clawback_of_zero_is_accepted(self, ledger: LedgerCaller) -> None:
        answer = await ledger.claw_back(await ledger.open_wallet(), await ledger.open_wallet(), "0.00")
        assert answer.json()["data"] | {"transaction_id": ""} == {
            "transaction_id": "",
            "taken": "0.00",
            "shortfall": "0.00",
            "to_balance": "0.00",
        }

    @pytest.mark.parametrize("missing", ["debtor", "creditor"])
    async def test_unknown_party_is_404(self, ledger: LedgerCaller, missing: str) -> None:
        known, unknown = await ledger.open_wallet("10.00"), uuid.uuid4()
        pair = (unknown, known) if missing == "debtor" else (known, unknown)
        answer = await ledger.claw_back(*pair, "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await ledger.wallet_of(known) == Decimal(10)

    async def test_clawback_from_oneself_is_refused(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet("10.00")
        answer = await ledger.claw_back(fan, fan, "1.00")
        assert (answer.status_code, code_of(answer)) == (400, "SELF_TRANSFER")

    async def test_concurrent_spending_loses_nothing_and_no_wallet_is_negative(self, ledger: LedgerCaller) -> None:
        debtor, creditor, event = (await ledger.open_wallet("100.00"), await ledger.open_wallet(), uuid.uuid4())

        answers = await asyncio.gather(
            *(
                call
                for _ in range(10)
                for call in (
                    ledger.charge(debtor, "7.00", event_id=event),
                    ledger.claw_back(debtor, creditor, "9.00"),
                    ledger.transfer(creditor, debtor, "2.00"),
                )
            )
        )

        assert {answer.status_code for answer in answers} <= {200, 402}
        assert {answer.status_code for answer in answers[1::3]} == {200}
        wallets = await ledger.wallet_of(debtor), await ledger.wallet_of(creditor)
        owed = -await ledger.sum_of("receivable", debtor)
        assert min(*wallets, owed) >= 0
        assert sum(wallets) + await ledger.sum_of("revenue", event) - owed == Decimal(100)
        shortfalls = [Decimal(answer.json()["data"]["shortfall"]) for answer in answers[1::3]]
        assert owed <= sum(shortfalls)  # the transfers have paid some of it

    async def test_concurrent_repetitions_take_once(self, ledger: LedgerCaller) -> None:
        debtor, creditor, request_id = (await ledger.open_wallet("100.00"), await ledger.open_wallet(), uuid.uuid4())
        answers = await asyncio.gather(
            *(ledger.claw_back(debtor, creditor, "60.00", request_id=request_id) for _ in range(20))
        )
        assert len({answer.text for answer in answers}) == 1
        assert await ledger.wallet_of(creditor) == Decimal(60)

    @pytest.mark.parametrize("direction", ["low to high", "high to low"])
    async def test_accounts_are_locked_in_the_global_order(
        self, ledger: LedgerCaller, database: Database, direction: str
    ) -> None:
        low, high = sorted([await ledger.open_wallet("10.00") for _ in range(2)], key=str)
        pair = (low, high) if direction == "low to high" else (high, low)
        await assert_holds_no_lock_while_waiting(
            database, lambda: ledger.claw_back(*pair, "1.00"), first=("wallet", low), second=("wallet", high)
        )


class TestRevenue:
    async def test_revenue_is_charges_minus_refunds(self, ledger: LedgerCaller) -> None:
        fan, event, undone = await ledger.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await ledger.charge(fan, "20.50", event_id=event)
        await ledger.charge(fan, "30.00", event_id=event, request_id=undone)
        await ledger.charge(fan, "1.00")
        await ledger.refund(undone)
        answer = await ledger.http.get(f"/internal/ledger/revenue/{event}")
        assert answer.json()["data"] == {"event_id": str(event), "revenue": "20.50"}

    async def test_event_without_charges_has_no_revenue(self, ledger: LedgerCaller) -> None:
        answer = await ledger.http.get(f"/internal/ledger/revenue/{uuid.uuid4()}")
        assert answer.json()["data"]["revenue"] == "0.00"


class TestReceivables:
    async def test_admins_list_receivables_newest_first(
        self, user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
    ) -> None:
        before = (await self.page(user_client, admin))["pagination"]["total"]
        creditor, debtors = (await ledger.open_wallet(), [await ledger.open_wallet("1.00") for _ in range(3)])
        for debtor in (debtors[0], debtors[1], debtors[2], debtors[0]):
            await ledger.claw_back(debtor, creditor, "4.00")
        await ledger.claw_back(await ledger.open_wallet("4.00"), creditor, "4.00")  # owes nothing

        first, second = (
            await self.page(user_client, admin, per_page=2),
            await self.page(user_client, admin, per_page=2, page=2),
        )

        assert first["pagination"]["total"] == before + 3
        seen = [(row["user_id"], row["amount"]) for row in [*first["data"], *second["data"]][:3]]
        assert seen == [(str(debtors[0]), "7.00"), (str(debtors[2]), "3.00"), (str(debtors[1]), "3.00")]
        assert first["data"][0]["email"] == f"{debtors[0]}@example.com"
        assert first["data"][0]["last_at"] > first["data"][1]["last_at"]

    async def test_receivables_are_for_admins_only(self, user_client: UserClient) -> None:
        user = await user_client.join()
        refused = await user_client.http.get("/api/admin/receivables", headers=user.headers)
        anonymous = await user_client.http.get("/api/admin/receivables")
        assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN")
        assert anonymous.status_code == 401

    async def page(self, user_client: UserClient, admin: LoggedInUser, **query: int) -> Any:
        answer = await user_client.http.get("/api/admin/receivables", headers=admin.headers, params=query)
        assert answer.status_code == 200
        return answer.json()
