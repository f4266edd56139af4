"""Opening an account and verifying its phone (W1, W6)."""

import asyncio
import uuid

import pytest

from common.db.engine import Database
from tests.integration.users.people import (
    CODE,
    PASSWORD,
    WRONG_CODE,
    Sandbox,
    UserDirectory,
    code_of,
    fresh_address,
    outbox_of,
)


async def phone_once_verified(people: UserDirectory, user_id: str) -> str:
    """Give the code that was sent last, and return the phone that the account has then."""
    tokens = (await people.verify(user_id)).json()["data"]
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    profile = await people.http.get(f"/api/users/{user_id}", headers=headers)
    return str(profile.json()["data"]["phone"])


class TestRegister:
    async def test_opens_an_account_and_sends_a_code(self, people: UserDirectory, sandbox: Sandbox) -> None:
        facts = people.new_facts()

        answer = await people.register(**facts)

        assert answer.status_code == 201
        assert answer.json()["data"]["status"] == "PENDING_VERIFICATION"
        assert await sandbox.codes_sent_to(facts["phone"]) == 1

    async def test_the_name_is_in_the_profile(self, people: UserDirectory) -> None:
        user_id = (await people.register(**people.new_facts(), name="  Zoë Ng ")).json()["data"]["user_id"]
        tokens = (await people.verify(user_id)).json()["data"]
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        profile = await people.http.get(f"/api/users/{user_id}", headers=headers)
        assert profile.json()["data"]["name"] == "Zoë Ng"

    async def test_an_address_is_taken_whatever_its_case(self, people: UserDirectory) -> None:
        person = await people.join()

        answer = await people.register(**people.new_facts() | {"email": person.email.upper()})

        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")

    async def test_an_address_waiting_for_its_code_is_taken_for_another_password(self, people: UserDirectory) -> None:
        facts = people.new_facts()
        await people.register(**facts)
        answer = await people.register(**facts | {"password": "another password"})
        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")

    async def test_again_while_waiting_sends_another_code(self, people: UserDirectory, sandbox: Sandbox) -> None:
        facts = people.new_facts()
        first = await people.register(**facts)

        again = await people.register(**facts)

        assert again.json()["data"] == first.json()["data"]
        assert await sandbox.codes_sent_to(facts["phone"]) == 2

    async def test_again_with_the_right_number_sends_it_there(self, people: UserDirectory, sandbox: Sandbox) -> None:
        facts, right = people.new_facts(), people.new_facts()["phone"]
        user_id = (await people.register(**facts)).json()["data"]["user_id"]

        await people.register(**facts | {"phone": right})

        assert await sandbox.codes_sent_to(right) == 1
        assert await phone_once_verified(people, user_id) == right

    async def test_a_number_no_code_was_sent_to_is_never_verified(
        self, people: UserDirectory, sandbox: Sandbox
    ) -> None:
        facts, victims = people.new_facts(), people.new_facts()["phone"]
        user_id = (await people.register(**facts)).json()["data"]["user_id"]
        await sandbox.order_fault("/SendOTP", status=500, times=1)

        refused = await people.register(**facts | {"phone": victims})

        assert (refused.status_code, code_of(refused)) == (503, "SERVICE_UNAVAILABLE")
        assert await phone_once_verified(people, user_id) == facts["phone"]

    async def test_nor_is_one_it_was_refused_to_by_a_limit(self, guarded_people: UserDirectory) -> None:
        facts, victims = guarded_people.new_facts(), guarded_people.new_facts()["phone"]
        sent = [await guarded_people.register(**facts) for _ in range(3)]
        user_id = sent[-1].json()["data"]["user_id"]

        refused = await guarded_people.register(**facts | {"phone": victims})

        assert (refused.status_code, code_of(refused)) == (429, "RATE_LIMITED")
        assert await phone_once_verified(guarded_people, user_id) == facts["phone"]

    async def test_a_verified_account_cannot_be_taken_up_again(self, people: UserDirectory, sandbox: Sandbox) -> None:
        person = await people.join()
        answer = await people.register(email=person.email, phone="+6598765432", password=PASSWORD)
        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")
        assert await sandbox.codes_sent_to("+6598765432") == 0

    async def test_many_at_once_with_one_address_make_one_account(self, people: UserDirectory) -> None:
        facts = people.new_facts()
        answers = await asyncio.gather(*(people.register(**facts) for _ in range(4)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["data"]["user_id"] for answer in answers}) == 1

    async def test_an_outage_of_the_provider_loses_nothing(self, people: UserDirectory, sandbox: Sandbox) -> None:
        facts = people.new_facts()
        await sandbox.order_fault("/SendOTP", status=500, times=1)

        answer = await people.register(**facts)
        again = await people.register(**facts)

        assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
        assert again.status_code == 201
        assert (await people.verify(again.json()["data"]["user_id"])).status_code == 200

    async def test_codes_to_one_account_are_limited(self, people: UserDirectory) -> None:
        facts = people.new_facts()

        answers = [await people.register(**facts) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [201] * 5 + [429]
        assert code_of(answers[-1]) == "RATE_LIMITED"
        assert int(answers[-1].headers["retry-after"]) > 3000

    async def test_codes_to_one_phone_are_limited_whoever_asks(self, guarded_people: UserDirectory) -> None:
        phone = guarded_people.new_facts()["phone"]
        answers = [await guarded_people.register(**guarded_people.new_facts() | {"phone": phone}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [201] * 3 + [429]

    async def test_codes_for_one_network_are_limited_whomever_they_go_to(
        self, frugal_people: UserDirectory, sandbox: Sandbox
    ) -> None:
        address, facts = fresh_address(), frugal_people.new_facts()
        for _ in range(3):
            answer = await frugal_people.register(address=address, **frugal_people.new_facts())
            assert answer.status_code == 201

        refused = await frugal_people.register(address=address.removesuffix("1") + "abcd", **facts)
        sent = await sandbox.codes_sent_to(facts["phone"])
        # No account was left behind: the e-mail address is free, whatever the password.
        elsewhere = await frugal_people.register(address=fresh_address(), **facts | {"password": "another password"})

        assert (refused.status_code, code_of(refused), sent) == (429, "RATE_LIMITED", 0)
        assert int(refused.headers["retry-after"]) > 3000
        assert elsewhere.status_code == 201

    async def test_a_burst_from_one_network_gets_no_more_codes_than_the_limit(
        self, frugal_people: UserDirectory
    ) -> None:
        address = fresh_address()
        answers = await asyncio.gather(
            *(frugal_people.register(address=address, **frugal_people.new_facts()) for _ in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5

    async def test_what_one_account_is_refused_does_not_use_up_a_phone(self, guarded_people: UserDirectory) -> None:
        facts, phone = guarded_people.new_facts(), guarded_people.new_facts()["phone"]
        for _ in range(3):
            assert (await guarded_people.register(**facts)).status_code == 201

        refused = [await guarded_people.register(**facts | {"phone": phone}) for _ in range(4)]
        theirs = await guarded_people.register(**guarded_people.new_facts() | {"phone": phone})

        assert {answer.status_code for answer in refused} == {429}
        assert theirs.status_code == 201

    async def test_the_password_of_a_waiting_account_cannot_be_guessed_here(self, people: UserDirectory) -> None:
        facts = people.new_facts()
        await people.register(**facts)

        guesses = [await people.register(**facts | {"password": f"a guess {n}"}) for n in range(11)]

        assert [code_of(guess) for guess in guesses] == ["EMAIL_ALREADY_EXISTS"] * 10 + ["RATE_LIMITED"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
            ("email", "a@b"),
            ("email", "x" * 250 + "@example.com"),
            ("phone", "91234567"),
            ("phone", "+0123456789"),
            ("phone", "+65 9123 4567"),
            ("phone", "+" + "1" * 16),
            ("phone", "+65" + "\u0661" * 8),
            ("password", "short77"),
            ("password", "x" * 129),
            ("password", None),
            ("name", "x" * 81),
            ("name", "a\x00b"),
            ("name", None),
        ],
    )
    async def test_bad_input_is_named(self, people: UserDirectory, field: str, value: object) -> None:
        answer = await people.http.post("/api/auth/register", json=people.new_facts() | {field: value})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
        assert list(answer.json()["details"]["fields"]) == [f"body.{field}"]

    async def test_the_password_is_kept_as_an_argon2id_hash(self, people: UserDirectory, database: Database) -> None:
        facts = people.new_facts()
        await people.register(**facts)
        hashed = await people.hash_of(database, facts["email"])
        assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


class TestVerify:
    async def test_the_right_code_logs_in(self, people: UserDirectory) -> None:
        facts = people.new_facts()
        user_id = (await people.register(**facts)).json()["data"]["user_id"]

        answer = await people.verify(user_id)

        data = answer.json()["data"]
        assert answer.status_code == 200
        assert data["user"] == {
            "user_id": user_id,
            "email": facts["email"],
            "credit_balance": "0.00",
            "roles": ["customer"],
        }
        assert data["access_token"]
        assert data["refresh_token"]

    async def test_says_that_somebody_registered(self, people: UserDirectory, database: Database) -> None:
        person = await people.join()
        assert await outbox_of(database, str(person.user_id)) == ["user.registered"]

    async def test_a_wrong_code_is_401(self, people: UserDirectory) -> None:
        user_id = (await people.register(**people.new_facts())).json()["data"]["user_id"]
        answer = await people.verify(user_id, WRONG_CODE)
        assert (answer.status_code, code_of(answer)) == (401, "OTP_INVALID")
        assert (await people.verify(user_id)).status_code == 200

    async def test_the_third_wrong_code_ends_the_attempt(self, people: UserDirectory) -> None:
        user_id = (await people.register(**people.new_facts())).json()["data"]["user_id"]

        answers = [await people.verify(user_id, WRONG_CODE) for _ in range(3)]
        right_but_late = await people.verify(user_id)

        assert [code_of(answer) for answer in answers] == ["OTP_INVALID", "OTP_INVALID", "OTP_MAX_RETRIES"]
        assert (right_but_late.status_code, code_of(right_but_late)) == (429, "OTP_MAX_RETRIES")
        assert right_but_late.headers["retry-after"] == "1"

    async def test_a_new_code_opens_a_new_attempt(self, people: UserDirectory) -> None:
        facts = people.new_facts()
        user_id = (await people.register(**facts)).json()["data"]["user_id"]
        for _ in range(4):
            await people.verify(user_id, WRONG_CODE)

        await people.register(**facts)

        assert (await people.verify(user_id)).status_code == 200

    async def test_many_guesses_at_once_count_too(self, people: UserDirectory) -> None:
        user_id = (await people.register(**people.new_facts())).json()["data"]["user_id"]

        guesses = await asyncio.gather(*(people.verify(user_id, f"{n:06d}") for n in range(20)))

        codes = sorted(code_of(guess) for guess in guesses)
        assert codes == ["OTP_INVALID"] * 2 + ["OTP_MAX_RETRIES"] * 18
        assert code_of(await people.verify(user_id)) == "OTP_MAX_RETRIES"

    async def test_an_old_code_is_410(self, people: UserDirectory, sandbox: Sandbox) -> None:
        facts = people.new_facts()
        user_id = (await people.register(**facts)).json()["data"]["user_id"]
        await sandbox.expire_codes(facts["phone"])
        answer = await people.verify(user_id)
        assert (answer.status_code, code_of(answer)) == (410, "OTP_EXPIRED")

    async def test_a_code_works_once(self, people: UserDirectory) -> None:
        user_id = (await people.register(**people.new_facts())).json()["data"]["user_id"]

        answers = await asyncio.gather(*(people.verify(user_id) for _ in range(3)))
        later = await people.verify(user_id)

        assert sorted(answer.status_code for answer in answers) == [200, 410, 410]
        assert (later.status_code, code_of(later)) == (410, "OTP_EXPIRED")

    async def test_an_outage_does_not_cost_a_try(self, people: UserDirectory, sandbox: Sandbox) -> None:
        user_id = (await people.register(**people.new_facts())).json()["data"]["user_id"]
        await sandbox.order_fault("/VerifyOTP", status=502, times=5)

        outages = [await people.verify(user_id) for _ in range(5)]

        assert {(answer.status_code, code_of(answer)) for answer in outages} == {(503, "SERVICE_UNAVAILABLE")}
        assert (await people.verify(user_id)).status_code == 200

    async def test_a_provider_that_does_not_answer_in_time_is_an_outage(
        self, people: UserDirectory, people_of_an_impatient_copy: UserDirectory, sandbox: Sandbox
    ) -> None:
        user_id = (await people.register(**people.new_facts())).json()["data"]["user_id"]
        await sandbox.order_fault("/VerifyOTP", delay_seconds=2, times=1)
        answer = await people_of_an_impatient_copy.verify(user_id)
        assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")

    async def test_an_unknown_user_is_404(self, people: UserDirectory) -> None:
        answer = await people.verify(uuid.uuid4())
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_what_is_no_id_is_400(self, people: UserDirectory) -> None:
        answer = await people.verify("me")
        assert (answer.status_code, code_of(answer)) == (400, "INVALID_UUID")

    @pytest.mark.parametrize("code", ["", "abc", "12345678901", "\uff11" * 6])
    async def test_what_is_no_code_is_400(self, people: UserDirectory, code: str) -> None:
        answer = await people.verify(uuid.uuid4(), code)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    async def test_one_persons_code_is_nobody_elses(self, people: UserDirectory, sandbox: Sandbox) -> None:
        mine, theirs = people.new_facts(), people.new_facts()
        await sandbox.use_code(theirs["phone"], "777777")
        my_id = (await people.register(**mine)).json()["data"]["user_id"]
        their_id = (await people.register(**theirs)).json()["data"]["user_id"]

        assert code_of(await people.verify(their_id, CODE)) == "OTP_INVALID"
        assert (await people.verify(their_id, "777777")).status_code == 200
        assert (await people.verify(my_id, CODE)).status_code == 200
