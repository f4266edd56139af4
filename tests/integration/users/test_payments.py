"""Opening a payment, attaching it to the provider's, and who may read it."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.integration.users.people import Books, Person, UserDirectory, code_of
from tests.integration.users.till import Till, new_till
from users.accounts.repository import AccountRepository


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code_of(answer)


@pytest.fixture
async def till(books: Books) -> Till:
    return Till(books, await books.open_wallet())


class TestOpen:
    async def test_it_is_pending_and_nothing_was_paid(self, till: Till) -> None:
        answer = await till.open(purpose="order", reference="order 7", expires_at="2030-01-01T00:00:00+08:00")
        payment = answer.json()["data"]
        assert answer.status_code == 200
        assert datetime.fromisoformat(payment.pop("created_at")) <= datetime.fromisoformat(payment.pop("updated_at"))
        assert datetime.fromisoformat(payment.pop("status_at")).tzinfo is not None
        assert payment == {
            "payment_id": str(till.payment_id),
            "user_id": str(till.user_id),
            "provider": "stripe",
            "provider_payment_id": None,
            "purpose": "order",
            "reference": "order 7",
            "amount": "50.00",
            "currency": "sgd",
            "status": "PENDING",
            "paid_amount": None,
            "flags": [],
            "details": {},
            "credited_at": None,
            "expires_at": "2029-12-31T16:00:00Z",
        }

    async def test_a_repeated_id_gives_the_first_answer(self, till: Till) -> None:
        request_id = uuid.uuid4()
        first = await till.open(request_id=request_id)
        await till.attach()
        again = await till.open(request_id=request_id, amount="50.0", currency="SGD")
        assert again.json() == first.json()

    async def test_the_same_id_for_another_amount_is_refused(self, till: Till) -> None:
        request_id = uuid.uuid4()
        await till.open(request_id=request_id)
        assert refusal(await till.open(request_id=request_id, amount="5.00")) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_a_payment_is_opened_once(self, till: Till) -> None:
        await till.open()
        assert refusal(await till.open(amount="5.00")) == (409, "PAYMENT_INVALID_STATE")
        assert (await till.now())["amount"] == "50.00"

    async def test_twenty_at_once_open_it_once(self, till: Till) -> None:
        answers = await asyncio.gather(*(till.open() for _ in range(20)))
        assert sorted({answer.status_code for answer in answers}) == [200, 409]
        assert [answer.status_code for answer in answers].count(200) == 1

    async def test_nobody_pays_nothing(self, till: Till) -> None:
        assert refusal(await till.open(user_id=uuid.uuid4())) == (404, "USER_NOT_FOUND")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount": "0.00"},
            {"amount": "-1.00"},
            {"amount": "0.001"},
            {"currency": "S$"},
            {"currency": ""},
            {"provider": "kinguin"},
            {"purpose": "gift"},
            {"expires_at": "tomorrow"},
        ],
    )
    async def test_what_makes_no_sense_is_400(self, till: Till, wrong: dict[str, object]) -> None:
        assert refusal(await till.open(**wrong)) == (400, "VALIDATION_ERROR")

    async def test_an_account_with_one_is_not_dropped(self, till: Till, books: Books) -> None:
        await till.open()
        abandoned = text(
            "UPDATE users SET is_verified = false, created_at = now() - interval '2 days' WHERE user_id = :user_id"
        )
        await books.database.execute(abandoned, {"user_id": till.user_id})
        await AccountRepository(books.database).clean(batch=1000)
        assert await till.outcome("WAITING", payment_id=till.payment_id) == "NOTED"


class TestAttach:
    async def test_the_providers_name_and_how_to_pay(self, till: Till) -> None:
        await till.open()
        details = {"pay_address": "bc1", "pay_amount": "0.00421", "confirmations": 3}
        payment = (await till.attach(details=details)).json()["data"]
        assert (payment["provider_payment_id"], payment["details"]) == (till.name_there, details)
        assert payment == await till.now()

    async def test_again_with_the_same_name_is_no_change(self, till: Till) -> None:
        await till.open()
        await till.attach(details={"pay_address": "bc1"})
        assert (await till.attach()).status_code == 200
        assert (await till.now())["details"] == {"pay_address": "bc1"}

    async def test_a_repeated_id_gives_the_first_answer(self, till: Till) -> None:
        await till.open()
        request_id = uuid.uuid4()
        first = await till.attach(request_id=request_id)
        await till.report("SUCCEEDED")
        assert (await till.attach(request_id=request_id)).json() == first.json()

    async def test_another_name_is_refused(self, till: Till) -> None:
        await till.open()
        await till.attach()
        assert refusal(await till.attach(provider_payment_id="pi_other")) == (409, "PAYMENT_INVALID_STATE")
        assert (await till.now())["provider_payment_id"] == till.name_there

    async def test_another_payments_name_is_refused(self, till: Till, books: Books) -> None:
        other = await new_till(books)
        await till.open()
        assert refusal(await till.attach(provider_payment_id=other.name_there)) == (409, "PAYMENT_INVALID_STATE")

    async def test_one_name_wanted_by_many_at_once_goes_to_one(self, books: Books) -> None:
        user_id = await books.open_wallet()
        tills = [Till(books, user_id) for _ in range(10)]
        for each in tills:
            await each.open()
        name = f"pi_{uuid.uuid4()}"
        answers = await asyncio.gather(*(each.attach(provider_payment_id=name) for each in tills))
        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]

    async def test_two_providers_may_use_one_name(self, books: Books) -> None:
        stripe, crypto = await new_till(books), await new_till(books, provider="nowpayments")
        answer = await crypto.report("WAITING", provider_payment_id=stripe.name_there)
        assert answer.json()["data"]["outcome"] == "UNKNOWN"
        other = Till(books, stripe.user_id, provider="nowpayments")
        await other.open()
        assert (await other.attach(provider_payment_id=stripe.name_there)).status_code == 200

    async def test_of_a_payment_that_is_none(self, till: Till) -> None:
        assert refusal(await till.attach()) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("wrong", [{"provider_payment_id": ""}, {"details": {"a": {}}}, {"details": {"a": "\x00"}}])
    async def test_what_makes_no_sense_is_400(self, till: Till, wrong: dict[str, object]) -> None:
        await till.open()
        assert refusal(await till.attach(**wrong)) == (400, "VALIDATION_ERROR")


class TestReading:
    async def test_my_own_newest_first_and_nobody_elses(self, people: UserDirectory, books: Books) -> None:
        fan = await people.join()
        tills = [Till(books, fan.user_id) for _ in range(3)]
        for each in tills:
            await each.open()
            await each.attach(details={"pay_address": "bc1"})
        await tills[1].report("SUCCEEDED")
        await new_till(books)

        pages = [(await get(people, fan, "/api/payments", per_page="2", page=page)).json() for page in ("1", "2")]
        assert [page["pagination"]["total"] for page in pages] == [3, 3]
        listed = [payment for page in pages for payment in page["data"]]
        assert [payment["payment_id"] for payment in listed] == [str(each.payment_id) for each in reversed(tills)]
        assert [payment["status"] for payment in listed] == ["PENDING", "SUCCEEDED", "PENDING"]
        assert listed[0]["details"] == {"pay_address": "bc1"}
        assert not {"flags", "provider_payment_id", "user_id"} & set(listed[0])
        paid = (await get(people, fan, "/api/payments", status="SUCCEEDED")).json()["data"]
        assert [payment["payment_id"] for payment in paid] == [str(tills[1].payment_id)]

    async def test_one_is_shown_to_its_payer_and_to_admins(
        self, people: UserDirectory, books: Books, admin: Person
    ) -> None:
        fan = await people.join()
        till = Till(books, fan.user_id)
        await till.open()
        path = f"/api/payments/{till.payment_id}"
        for reader in (fan, admin):
            shown = (await get(people, reader, path)).json()["data"]
            assert (shown["payment_id"], shown["amount"]) == (str(till.payment_id), "50.00")
        assert refusal(await get(people, await people.join(), path)) == (403, "FORBIDDEN")
        assert refusal(await get(people, fan, f"/api/payments/{uuid.uuid4()}")) == (404, "NOT_FOUND")
        assert refusal(await get(people, fan, "/api/payments/7")) == (400, "INVALID_UUID")
        assert refusal(await people.http.get(path)) == (401, "UNAUTHORIZED")

    async def test_admins_find_what_a_person_may_want_to_look_at(
        self, people: UserDirectory, books: Books, admin: Person
    ) -> None:
        odd, plain = await new_till(books, provider="nowpayments"), await new_till(books)
        await odd.attach(details={"client_secret": "not for admins"})
        await odd.report("PARTIALLY_PAID", paid_amount="0.1")
        path = "/api/admin/payments"
        flagged = await self.ids(people, admin, flagged="true", provider="nowpayments")
        assert str(odd.payment_id) in flagged
        assert str(plain.payment_id) not in await self.ids(people, admin, flagged="true")
        assert {str(odd.payment_id), str(plain.payment_id)} <= set(await self.ids(people, admin))
        assert str(odd.payment_id) not in await self.ids(people, admin, provider="stripe")
        assert str(odd.payment_id) not in await self.ids(people, admin, status="PENDING")
        answer = await get(people, admin, path, per_page="100")
        assert "not for admins" not in answer.text
        [shown] = [each for each in answer.json()["data"] if each["payment_id"] == str(odd.payment_id)]
        assert (shown["flags"], shown["provider_payment_id"]) == (["PARTIAL"], odd.name_there)

    async def test_others_do_not_list_everybodys(self, people: UserDirectory) -> None:
        assert refusal(await get(people, await people.join(), "/api/admin/payments")) == (403, "FORBIDDEN")

    async def test_what_is_compared_with_the_providers_list_is_oldest_first(self, books: Books) -> None:
        tills = [await new_till(books, provider=provider) for provider in ("stripe", "nowpayments", "stripe", "stripe")]
        await tills[2].report("WAITING")
        await tills[3].report("SUCCEEDED")
        since = (await tills[0].now())["created_at"]

        async def ids(**query: Any) -> list[str]:
            answer = await books.http.get("/internal/payments", params={"since": since, **query})
            assert answer.status_code == 200, answer.text
            return [payment["payment_id"] for payment in answer.json()["data"]]

        ours = [str(each.payment_id) for each in tills]
        assert await ids() == ours
        assert await ids(provider="stripe", status=["PENDING", "WAITING"]) == [ours[0], ours[2]]
        assert await ids(limit=2) == ours[:2]
        assert await ids(since=(await tills[2].now())["created_at"]) == ours[2:]

    async def test_nobody_but_services_asks_inside(self, people: UserDirectory, admin: Person, till: Till) -> None:
        for path in ("/internal/payments", f"/internal/payments/{till.payment_id}"):
            assert (await get(people, admin, path)).status_code == 401

    @staticmethod
    async def ids(people: UserDirectory, admin: Person, **query: str) -> list[str]:
        answer = await get(people, admin, "/api/admin/payments", per_page="100", **query)
        return [payment["payment_id"] for payment in answer.json()["data"]]


async def get(people: UserDirectory, person: Person, path: str, **query: str) -> httpx.Response:
    return await people.http.get(path, params=query, headers=person.headers)
