"""What is taken back: a charge that goes to others than the payer (T7), credits that were spent meanwhile (T9)."""

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest

from common.db.engine import Database
from tests.integration.users.people import Books, Person, UserDirectory, code_of
from tests.integration.users.test_ledger_locks import assert_waits_with_empty_hands


@pytest.fixture(autouse=True)
async def _books_add_up(books: Books) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await books.contradictions() == []


async def charge(books: Books, amount: str = "70.00") -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
    """Charge somebody who had 100.00; returns them, the request and the event."""
    payer, deduct, event = await books.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
    (await books.deduct(payer, amount, request_id=deduct, event_id=event)).raise_for_status()
    return payer, deduct, event


class TestRefundTo:
    async def test_the_charge_goes_to_those_named(self, books: Books) -> None:
        payer, deduct, event = await charge(books)
        holder = await books.open_wallet("5.00")

        answer = await books.refund_to(deduct, (holder, "50.00"), (payer, "15.00"), (holder, "5.00"))

        assert answer.status_code == 200
        assert answer.json()["data"]["transaction_id"] is not None
        assert answer.json()["data"]["balance"] is None
        assert (await books.wallet_of(holder), await books.wallet_of(payer)) == (Decimal(60), Decimal(45))
        assert await books.sum_of("revenue", event) == 0

    async def test_a_repeated_one_gives_the_first_answer_however_it_is_written(self, books: Books) -> None:
        payer, deduct, _ = await charge(books)
        holder, refund = await books.open_wallet(), uuid.uuid4()
        first = await books.refund_to(deduct, (holder, "50.00"), (payer, "20.00"), request_id=refund)
        second = await books.refund_to(deduct, (payer, "20"), (holder, "30.00"), (holder, "20.00"), request_id=refund)
        assert first.status_code == 200
        assert second.json() == first.json()
        assert await books.wallet_of(holder) == Decimal(50)

    async def test_the_same_id_for_other_shares_is_refused(self, books: Books) -> None:
        payer, deduct, _ = await charge(books)
        refund = uuid.uuid4()
        await books.refund_to(deduct, (payer, "70.00"), request_id=refund)
        answers = [
            await books.refund_to(deduct, (await books.open_wallet(), "70.00"), request_id=refund),
            await books.refund(deduct, request_id=refund),
        ]
        assert {(one.status_code, code_of(one)) for one in answers} == {(422, "IDEMPOTENCY_KEY_REUSED")}

    @pytest.mark.parametrize("shares", [("69.99",), ("70.01",), ("30.00", "39.00"), ("0.00",)])
    async def test_a_sum_that_is_not_the_charge_is_refused_and_moves_nothing(
        self, books: Books, shares: tuple[str, ...]
    ) -> None:
        payer, deduct, event = await charge(books)
        people = [await books.open_wallet() for _ in shares]

        answer = await books.refund_to(deduct, *zip(people, shares, strict=True))

        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")
        assert await books.sum_of("revenue", event) == Decimal(70)
        assert (await books.refund(deduct)).json()["data"]["balance"] == "100.00"
        assert await books.wallet_of(payer) == Decimal(100)

    async def test_an_unknown_recipient_is_404_and_nobody_gets_anything(self, books: Books) -> None:
        _, deduct, event = await charge(books)
        holder = await books.open_wallet()
        answer = await books.refund_to(deduct, (holder, "35.00"), (uuid.uuid4(), "35.00"))
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await books.wallet_of(holder) == 0
        assert await books.sum_of("revenue", event) == Decimal(70)

    async def test_of_a_charge_that_never_came_leaves_a_tombstone(self, books: Books) -> None:
        fan, deduct = await books.open_wallet("100.00"), uuid.uuid4()
        refund = await books.refund_to(deduct, (fan, "70.00"))
        late = await books.deduct(fan, "70.00", request_id=deduct)
        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")

    async def test_of_something_else_is_refused(self, books: Books) -> None:
        fan, gift = await books.open_wallet(), uuid.uuid4()
        await books.top_up(fan, "5.00", request_id=gift)
        answer = await books.refund_to(gift, (fan, "5.00"))
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")

    async def test_a_free_ticket_is_given_back_too(self, books: Books) -> None:
        _, deduct, _ = await charge(books, "0.00")
        answer = await books.refund_to(deduct, (await books.open_wallet(), "0.00"))
        assert answer.json()["data"]["transaction_id"] is not None

    async def test_many_at_once_reverse_once(self, books: Books) -> None:
        payer, deduct, event = await charge(books)
        holder = await books.open_wallet()

        answers = await asyncio.gather(
            *(books.refund_to(deduct, (holder, "70.00")) for _ in range(10)), *(books.refund(deduct) for _ in range(10))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["data"]["transaction_id"] for answer in answers}) == 1
        assert {await books.wallet_of(payer), await books.wallet_of(holder)} in ({30, 70}, {100, 0})
        assert await books.sum_of("revenue", event) == 0

    async def test_and_the_charge_at_once_end_clean(self, books: Books) -> None:
        fan, holder = await books.open_wallet("1000.00"), await books.open_wallet()

        async def pay_and_undo() -> None:
            deduct, event = uuid.uuid4(), uuid.uuid4()
            await asyncio.gather(
                books.deduct(fan, "1.00", request_id=deduct, event_id=event),
                books.refund_to(deduct, (holder, "1.00")),
                books.deduct(fan, "1.00", request_id=deduct, event_id=event),
            )
            assert await books.sum_of("revenue", event) == 0

        await asyncio.gather(*(pay_and_undo() for _ in range(25)))
        assert await books.wallet_of(fan) + await books.wallet_of(holder) == Decimal(1000)

    @pytest.mark.parametrize("direction", ["low to high", "high to low"])
    async def test_locks_in_the_order_of_all(self, books: Books, database: Database, direction: str) -> None:
        low, high = sorted([await books.open_wallet() for _ in range(2)], key=str)
        _, deduct, _ = await charge(books)
        shares = [(low, "30.00"), (high, "40.00")]
        await assert_waits_with_empty_hands(
            database,
            lambda: books.refund_to(deduct, *(shares if direction == "low to high" else reversed(shares))),
            first=("wallet", low),
            second=("wallet", high),
        )

    @pytest.mark.parametrize("count", [0, 21])
    async def test_one_to_twenty_are_named(self, books: Books, count: int) -> None:
        answer = await books.refund_to(uuid.uuid4(), *((uuid.uuid4(), "1.00") for _ in range(count)))
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
        self, books: Books, has: str, taken: str, shortfall: str
    ) -> None:
        debtor, creditor = await books.open_wallet(has), await books.open_wallet("5.00")

        answer = await books.claw_back(debtor, creditor, "80.00")

        data = answer.json()["data"]
        assert data.pop("transaction_id")
        assert data == {"taken": taken, "shortfall": shortfall, "to_balance": "85.00"}
        assert await books.wallet_of(debtor) == Decimal(has) - Decimal(taken)
        assert await books.wallet_of(creditor) == Decimal(85)
        assert await books.sum_of("receivable", debtor) == -Decimal(shortfall)

    async def test_a_repeated_id_gives_the_first_answer(self, books: Books) -> None:
        debtor, creditor, request_id = await books.open_wallet("30.00"), await books.open_wallet(), uuid.uuid4()
        first = await books.claw_back(debtor, creditor, "80.00", request_id=request_id)
        await books.top_up(debtor, "100.00")
        second = await books.claw_back(debtor, creditor, "80.00", request_id=request_id)
        other = await books.claw_back(debtor, creditor, "81.00", request_id=request_id)
        assert second.json() == first.json()
        assert (other.status_code, code_of(other)) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert (await books.wallet_of(debtor), await books.wallet_of(creditor)) == (Decimal(100), Decimal(80))

    async def test_nothing_can_be_taken_back_too(self, books: Books) -> None:
        answer = await books.claw_back(await books.open_wallet(), await books.open_wallet(), "0.00")
        assert answer.json()["data"] | {"transaction_id": ""} == {
            "transaction_id": "",
            "taken": "0.00",
            "shortfall": "0.00",
            "to_balance": "0.00",
        }

    @pytest.mark.parametrize("missing", ["debtor", "creditor"])
    async def test_an_unknown_person_is_404(self, books: Books, missing: str) -> None:
        known, unknown = await books.open_wallet("10.00"), uuid.uuid4()
        pair = (unknown, known) if missing == "debtor" else (known, unknown)
        answer = await books.claw_back(*pair, "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await books.wallet_of(known) == Decimal(10)

    async def test_from_oneself_is_refused(self, books: Books) -> None:
        fan = await books.open_wallet("10.00")
        answer = await books.claw_back(fan, fan, "1.00")
        assert (answer.status_code, code_of(answer)) == (400, "SELF_TRANSFER")

    async def test_racing_with_spending_nothing_is_lost_and_no_wallet_negative(self, books: Books) -> None:
        debtor, creditor, event = await books.open_wallet("100.00"), await books.open_wallet(), uuid.uuid4()

        answers = await asyncio.gather(
            *(
                call
                for _ in range(10)
                for call in (
                    books.deduct(debtor, "7.00", event_id=event),
                    books.claw_back(debtor, creditor, "9.00"),
                    books.transfer(creditor, debtor, "2.00"),
                )
            )
        )

        assert {answer.status_code for answer in answers} <= {200, 402}
        assert {answer.status_code for answer in answers[1::3]} == {200}
        wallets = await books.wallet_of(debtor), await books.wallet_of(creditor)
        owed = -await books.sum_of("receivable", debtor)
        assert min(*wallets, owed) >= 0
        assert sum(wallets) + await books.sum_of("revenue", event) - owed == Decimal(100)
        taken = [Decimal(answer.json()["data"]["taken"]) for answer in answers[1::3]]
        assert sum(taken) + owed == Decimal(90)

    async def test_one_request_id_at_once_takes_once(self, books: Books) -> None:
        debtor, creditor, request_id = await books.open_wallet("100.00"), await books.open_wallet(), uuid.uuid4()
        answers = await asyncio.gather(
            *(books.claw_back(debtor, creditor, "60.00", request_id=request_id) for _ in range(20))
        )
        assert len({answer.text for answer in answers}) == 1
        assert await books.wallet_of(creditor) == Decimal(60)

    @pytest.mark.parametrize("direction", ["low to high", "high to low"])
    async def test_locks_in_the_order_of_all(self, books: Books, database: Database, direction: str) -> None:
        low, high = sorted([await books.open_wallet("10.00") for _ in range(2)], key=str)
        pair = (low, high) if direction == "low to high" else (high, low)
        await assert_waits_with_empty_hands(
            database, lambda: books.claw_back(*pair, "1.00"), first=("wallet", low), second=("wallet", high)
        )


class TestRevenue:
    async def test_is_what_was_charged_and_not_refunded(self, books: Books) -> None:
        fan, event, undone = await books.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await books.deduct(fan, "20.50", event_id=event)
        await books.deduct(fan, "30.00", event_id=event, request_id=undone)
        await books.deduct(fan, "1.00")
        await books.refund(undone)
        answer = await books.http.get(f"/internal/ledger/revenue/{event}")
        assert answer.json()["data"] == {"event_id": str(event), "revenue": "20.50"}

    async def test_of_an_event_nobody_paid_for_is_nothing(self, books: Books) -> None:
        answer = await books.http.get(f"/internal/ledger/revenue/{uuid.uuid4()}")
        assert answer.json()["data"]["revenue"] == "0.00"


class TestReceivables:
    async def test_admins_see_who_owes_the_latest_first(
        self, people: UserDirectory, admin: Person, books: Books
    ) -> None:
        before = (await self.page(people, admin))["pagination"]["total"]
        creditor, debtors = await books.open_wallet(), [await books.open_wallet("1.00") for _ in range(3)]
        for debtor in (debtors[0], debtors[1], debtors[2], debtors[0]):
            await books.claw_back(debtor, creditor, "4.00")
        await books.claw_back(await books.open_wallet("4.00"), creditor, "4.00")  # owes nothing

        first, second = await self.page(people, admin, per_page=2), await self.page(people, admin, per_page=2, page=2)

        assert first["pagination"]["total"] == before + 3
        seen = [(row["user_id"], row["amount"]) for row in [*first["data"], *second["data"]][:3]]
        assert seen == [(str(debtors[0]), "7.00"), (str(debtors[2]), "3.00"), (str(debtors[1]), "3.00")]
        assert first["data"][0]["email"] == f"{debtors[0]}@example.com"
        assert first["data"][0]["last_at"] > first["data"][1]["last_at"]

    async def test_nobody_else_does(self, people: UserDirectory) -> None:
        person = await people.join()
        somebody = await people.http.get("/api/admin/receivables", headers=person.headers)
        nobody = await people.http.get("/api/admin/receivables")
        assert (somebody.status_code, code_of(somebody)) == (403, "FORBIDDEN")
        assert nobody.status_code == 401

    async def page(self, people: UserDirectory, admin: Person, **query: int) -> Any:
        answer = await people.http.get("/api/admin/receivables", headers=admin.headers, params=query)
        assert answer.status_code == 200
        return answer.json()
