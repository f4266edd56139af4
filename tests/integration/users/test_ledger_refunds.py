"""What is taken back: a charge that goes to others than the payer (T7), credits that were spent meanwhile (T9)."""

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest

from common.db.engine import Database
from tests.integration.users.test_ledger_locks import assert_holds_no_lock_while_waiting
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger_caller: LedgerCaller) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await ledger_caller.invariant_violations() == []


async def charge(ledger_caller: LedgerCaller, amount: str = "70.00") -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
    """Charge somebody who had 100.00; returns them, the request and the event."""
    payer, deduct, event = await ledger_caller.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
    (await ledger_caller.deduct(payer, amount, request_id=deduct, event_id=event)).raise_for_status()
    return payer, deduct, event


class TestRefundTo:
    async def test_the_charge_goes_to_those_named(self, ledger_caller: LedgerCaller) -> None:
        payer, deduct, event = await charge(ledger_caller)
        holder = await ledger_caller.open_wallet("5.00")

        answer = await ledger_caller.refund_to(deduct, (holder, "50.00"), (payer, "15.00"), (holder, "5.00"))

        assert answer.status_code == 200
        assert answer.json()["data"]["transaction_id"] is not None
        assert answer.json()["data"]["balance"] is None
        assert (await ledger_caller.wallet_of(holder), await ledger_caller.wallet_of(payer)) == (
            Decimal(60),
            Decimal(45),
        )
        assert await ledger_caller.sum_of("revenue", event) == 0

    async def test_a_repeated_one_gives_the_first_answer_however_it_is_written(
        self, ledger_caller: LedgerCaller
    ) -> None:
        payer, deduct, _ = await charge(ledger_caller)
        holder, refund = await ledger_caller.open_wallet(), uuid.uuid4()
        first = await ledger_caller.refund_to(deduct, (holder, "50.00"), (payer, "20.00"), request_id=refund)
        second = await ledger_caller.refund_to(
            deduct, (payer, "20"), (holder, "30.00"), (holder, "20.00"), request_id=refund
        )
        assert first.status_code == 200
        assert second.json() == first.json()
        assert await ledger_caller.wallet_of(holder) == Decimal(50)

    async def test_the_same_id_for_other_shares_is_refused(self, ledger_caller: LedgerCaller) -> None:
        payer, deduct, _ = await charge(ledger_caller)
        refund = uuid.uuid4()
        await ledger_caller.refund_to(deduct, (payer, "70.00"), request_id=refund)
        answers = [
            await ledger_caller.refund_to(deduct, (await ledger_caller.open_wallet(), "70.00"), request_id=refund),
            await ledger_caller.refund(deduct, request_id=refund),
        ]
        assert {(one.status_code, code_of(one)) for one in answers} == {(422, "IDEMPOTENCY_KEY_REUSED")}

    @pytest.mark.parametrize("shares", [("69.99",), ("70.01",), ("30.00", "39.00"), ("0.00",)])
    async def test_a_sum_that_is_not_the_charge_is_refused_and_moves_nothing(
        self, ledger_caller: LedgerCaller, shares: tuple[str, ...]
    ) -> None:
        payer, deduct, event = await charge(ledger_caller)
        user_client = [await ledger_caller.open_wallet() for _ in shares]

        answer = await ledger_caller.refund_to(deduct, *zip(user_client, shares, strict=True))

        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")
        assert await ledger_caller.sum_of("revenue", event) == Decimal(70)
        assert (await ledger_caller.refund(deduct)).json()["data"]["balance"] == "100.00"
        assert await ledger_caller.wallet_of(payer) == Decimal(100)

    async def test_an_unknown_recipient_is_404_and_nobody_gets_anything(self, ledger_caller: LedgerCaller) -> None:
        _, deduct, event = await charge(ledger_caller)
        holder = await ledger_caller.open_wallet()
        answer = await ledger_caller.refund_to(deduct, (holder, "35.00"), (uuid.uuid4(), "35.00"))
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await ledger_caller.wallet_of(holder) == 0
        assert await ledger_caller.sum_of("revenue", event) == Decimal(70)

    async def test_of_a_charge_that_never_came_leaves_a_tombstone(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct = await ledger_caller.open_wallet("100.00"), uuid.uuid4()
        refund = await ledger_caller.refund_to(deduct, (fan, "70.00"))
        late = await ledger_caller.deduct(fan, "70.00", request_id=deduct)
        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")

    async def test_of_something_else_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan, gift = await ledger_caller.open_wallet(), uuid.uuid4()
        await ledger_caller.top_up(fan, "5.00", request_id=gift)
        answer = await ledger_caller.refund_to(gift, (fan, "5.00"))
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")

    async def test_a_free_ticket_is_given_back_too(self, ledger_caller: LedgerCaller) -> None:
        _, deduct, _ = await charge(ledger_caller, "0.00")
        answer = await ledger_caller.refund_to(deduct, (await ledger_caller.open_wallet(), "0.00"))
        assert answer.json()["data"]["transaction_id"] is not None

    async def test_many_at_once_reverse_once(self, ledger_caller: LedgerCaller) -> None:
        payer, deduct, event = await charge(ledger_caller)
        holder = await ledger_caller.open_wallet()

        answers = await asyncio.gather(
            *(ledger_caller.refund_to(deduct, (holder, "70.00")) for _ in range(10)),
            *(ledger_caller.refund(deduct) for _ in range(10)),
        )

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["data"]["transaction_id"] for answer in answers}) == 1
        assert {await ledger_caller.wallet_of(payer), await ledger_caller.wallet_of(holder)} in ({30, 70}, {100, 0})
        assert await ledger_caller.sum_of("revenue", event) == 0

    async def test_and_the_charge_at_once_end_clean(self, ledger_caller: LedgerCaller) -> None:
        fan, holder = await ledger_caller.open_wallet("1000.00"), await ledger_caller.open_wallet()

        async def pay_and_undo() -> None:
            deduct, event = uuid.uuid4(), uuid.uuid4()
            await asyncio.gather(
                ledger_caller.deduct(fan, "1.00", request_id=deduct, event_id=event),
                ledger_caller.refund_to(deduct, (holder, "1.00")),
                ledger_caller.deduct(fan, "1.00", request_id=deduct, event_id=event),
            )
            assert await ledger_caller.sum_of("revenue", event) == 0

        await asyncio.gather(*(pay_and_undo() for _ in range(25)))
        assert await ledger_caller.wallet_of(fan) + await ledger_caller.wallet_of(holder) == Decimal(1000)

    @pytest.mark.parametrize("direction", ["low to high", "high to low"])
    async def test_locks_in_the_order_of_all(
        self, ledger_caller: LedgerCaller, database: Database, direction: str
    ) -> None:
        low, high = sorted([await ledger_caller.open_wallet() for _ in range(2)], key=str)
        _, deduct, _ = await charge(ledger_caller)
        shares = [(low, "30.00"), (high, "40.00")]
        await assert_holds_no_lock_while_waiting(
            database,
            lambda: ledger_caller.refund_to(deduct, *(shares if direction == "low to high" else reversed(shares))),
            first=("wallet", low),
            second=("wallet", high),
        )

    @pytest.mark.parametrize("count", [0, 21])
    async def test_one_to_twenty_are_named(self, ledger_caller: LedgerCaller, count: int) -> None:
        answer = await ledger_caller.refund_to(uuid.uuid4(), *((uuid.uuid4(), "1.00") for _ in range(count)))
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
    async def test_takes_what_there_is_and_notes_the_rest(
        self, ledger_caller: LedgerCaller, has: str, taken: str, shortfall: str
    ) -> None:
        debtor, creditor = await ledger_caller.open_wallet(has), await ledger_caller.open_wallet("5.00")

        answer = await ledger_caller.claw_back(debtor, creditor, "80.00")

        data = answer.json()["data"]
        assert data.pop("transaction_id")
        assert data == {"taken": taken, "shortfall": shortfall, "to_balance": "85.00"}
        assert await ledger_caller.wallet_of(debtor) == Decimal(has) - Decimal(taken)
        assert await ledger_caller.wallet_of(creditor) == Decimal(85)
        assert await ledger_caller.sum_of("receivable", debtor) == -Decimal(shortfall)

    async def test_a_repeated_id_gives_the_first_answer(self, ledger_caller: LedgerCaller) -> None:
        debtor, creditor, request_id = (
            await ledger_caller.open_wallet("30.00"),
            await ledger_caller.open_wallet(),
            uuid.uuid4(),
        )
        first = await ledger_caller.claw_back(debtor, creditor, "80.00", request_id=request_id)
        await ledger_caller.top_up(debtor, "100.00")
        second = await ledger_caller.claw_back(debtor, creditor, "80.00", request_id=request_id)
        other = await ledger_caller.claw_back(debtor, creditor, "81.00", request_id=request_id)
        assert second.json() == first.json()
        assert (other.status_code, code_of(other)) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert (await ledger_caller.wallet_of(debtor), await ledger_caller.wallet_of(creditor)) == (
            Decimal(100),
            Decimal(80),
        )

    async def test_nothing_can_be_taken_back_too(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.claw_back(
            await ledger_caller.open_wallet(), await ledger_caller.open_wallet(), "0.00"
        )
        assert answer.json()["data"] | {"transaction_id": ""} == {
            "transaction_id": "",
            "taken": "0.00",
            "shortfall": "0.00",
            "to_balance": "0.00",
        }

    @pytest.mark.parametrize("missing", ["debtor", "creditor"])
    async def test_an_unknown_person_is_404(self, ledger_caller: LedgerCaller, missing: str) -> None:
        known, unknown = await ledger_caller.open_wallet("10.00"), uuid.uuid4()
        pair = (unknown, known) if missing == "debtor" else (known, unknown)
        answer = await ledger_caller.claw_back(*pair, "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await ledger_caller.wallet_of(known) == Decimal(10)

    async def test_from_oneself_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet("10.00")
        answer = await ledger_caller.claw_back(fan, fan, "1.00")
        assert (answer.status_code, code_of(answer)) == (400, "SELF_TRANSFER")

    async def test_racing_with_spending_nothing_is_lost_and_no_wallet_negative(
        self, ledger_caller: LedgerCaller
    ) -> None:
        debtor, creditor, event = (
            await ledger_caller.open_wallet("100.00"),
            await ledger_caller.open_wallet(),
            uuid.uuid4(),
        )

        answers = await asyncio.gather(
            *(
                call
                for _ in range(10)
                for call in (
                    ledger_caller.deduct(debtor, "7.00", event_id=event),
                    ledger_caller.claw_back(debtor, creditor, "9.00"),
                    ledger_caller.transfer(creditor, debtor, "2.00"),
                )
            )
        )

        assert {answer.status_code for answer in answers} <= {200, 402}
        assert {answer.status_code for answer in answers[1::3]} == {200}
        wallets = await ledger_caller.wallet_of(debtor), await ledger_caller.wallet_of(creditor)
        owed = -await ledger_caller.sum_of("receivable", debtor)
        assert min(*wallets, owed) >= 0
        assert sum(wallets) + await ledger_caller.sum_of("revenue", event) - owed == Decimal(100)
        taken = [Decimal(answer.json()["data"]["taken"]) for answer in answers[1::3]]
        assert sum(taken) + owed == Decimal(90)

    async def test_one_request_id_at_once_takes_once(self, ledger_caller: LedgerCaller) -> None:
        debtor, creditor, request_id = (
            await ledger_caller.open_wallet("100.00"),
            await ledger_caller.open_wallet(),
            uuid.uuid4(),
        )
        answers = await asyncio.gather(
            *(ledger_caller.claw_back(debtor, creditor, "60.00", request_id=request_id) for _ in range(20))
        )
        assert len({answer.text for answer in answers}) == 1
        assert await ledger_caller.wallet_of(creditor) == Decimal(60)

    @pytest.mark.parametrize("direction", ["low to high", "high to low"])
    async def test_locks_in_the_order_of_all(
        self, ledger_caller: LedgerCaller, database: Database, direction: str
    ) -> None:
        low, high = sorted([await ledger_caller.open_wallet("10.00") for _ in range(2)], key=str)
        pair = (low, high) if direction == "low to high" else (high, low)
        await assert_holds_no_lock_while_waiting(
            database, lambda: ledger_caller.claw_back(*pair, "1.00"), first=("wallet", low), second=("wallet", high)
        )


class TestRevenue:
    async def test_is_what_was_charged_and_not_refunded(self, ledger_caller: LedgerCaller) -> None:
        fan, event, undone = await ledger_caller.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await ledger_caller.deduct(fan, "20.50", event_id=event)
        await ledger_caller.deduct(fan, "30.00", event_id=event, request_id=undone)
        await ledger_caller.deduct(fan, "1.00")
        await ledger_caller.refund(undone)
        answer = await ledger_caller.http.get(f"/internal/ledger/revenue/{event}")
        assert answer.json()["data"] == {"event_id": str(event), "revenue": "20.50"}

    async def test_of_an_event_nobody_paid_for_is_nothing(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.http.get(f"/internal/ledger/revenue/{uuid.uuid4()}")
        assert answer.json()["data"]["revenue"] == "0.00"


class TestReceivables:
    async def test_admins_see_who_owes_the_latest_first(
        self, user_client: UserClient, admin: LoggedInUser, ledger_caller: LedgerCaller
    ) -> None:
        before = (await self.page(user_client, admin))["pagination"]["total"]
        creditor, debtors = (
            await ledger_caller.open_wallet(),
            [await ledger_caller.open_wallet("1.00") for _ in range(3)],
        )
        for debtor in (debtors[0], debtors[1], debtors[2], debtors[0]):
            await ledger_caller.claw_back(debtor, creditor, "4.00")
        await ledger_caller.claw_back(await ledger_caller.open_wallet("4.00"), creditor, "4.00")  # owes nothing

        first, second = (
            await self.page(user_client, admin, per_page=2),
            await self.page(user_client, admin, per_page=2, page=2),
        )

        assert first["pagination"]["total"] == before + 3
        seen = [(row["user_id"], row["amount"]) for row in [*first["data"], *second["data"]][:3]]
        assert seen == [(str(debtors[0]), "7.00"), (str(debtors[2]), "3.00"), (str(debtors[1]), "3.00")]
        assert first["data"][0]["email"] == f"{debtors[0]}@example.com"
        assert first["data"][0]["last_at"] > first["data"][1]["last_at"]

    async def test_nobody_else_does(self, user_client: UserClient) -> None:
        person = await user_client.join()
        somebody = await user_client.http.get("/api/admin/receivables", headers=person.headers)
        nobody = await user_client.http.get("/api/admin/receivables")
        assert (somebody.status_code, code_of(somebody)) == (403, "FORBIDDEN")
        assert nobody.status_code == 401

    async def page(self, user_client: UserClient, admin: LoggedInUser, **query: int) -> Any:
        answer = await user_client.http.get("/api/admin/receivables", headers=admin.headers, params=query)
        assert answer.status_code == 200
        return answer.json()
