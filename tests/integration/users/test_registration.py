"""Registration and verification of the phone (W1, W6)."""

import asyncio
import uuid

import pytest

from common.db.engine import Database
from tests.integration.users.user_client import (
    CODE,
    PASSWORD,
    WRONG_CODE,
    Sandbox,
    UserClient,
    code_of,
    fresh_address,
    outbox_of,
)


async def phone_once_verified(user_client: UserClient, user_id: str) -> str:
    """Submit the latest code and return the phone of the verified account."""
    tokens = (await user_client.verify(user_id)).json()["data"]
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    profile = await user_client.http.get(f"/api/users/{user_id}", headers=headers)
    return str(profile.json()["data"]["phone"])


class TestRegister:
    async def test_opens_an_account_and_sends_a_code(self, user_client: UserClient, sandbox: Sandbox) -> None:
        facts = user_client.new_facts()

        answer = await user_client.register(**facts)

        assert answer.status_code == 201
        assert answer.json()["data"]["status"] == "PENDING_VERIFICATION"
        assert await sandbox.codes_sent_to(facts["phone"]) == 1

    async def test_the_name_is_in_the_profile(self, user_client: UserClient) -> None:
        user_id = (await user_client.register(**user_client.new_facts(), name="  Zoë Ng ")).json()["data"]["user_id"]
        tokens = (await user_client.verify(user_id)).json()["data"]
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        profile = await user_client.http.get(f"/api/users/{user_id}", headers=headers)
        assert profile.json()["data"]["name"] == "Zoë Ng"

    async def test_email_is_unique_regardless_of_case(self, user_client: UserClient) -> None:
        user = await user_client.join()

        answer = await user_client.register(**user_client.new_facts() | {"email": user.email.upper()})

        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")

    async def test_unverified_email_with_another_password_is_another_account(self, user_client: UserClient) -> None:
        facts = user_client.new_facts()
        first = (await user_client.register(**facts)).json()["data"]["user_id"]
        answer = await user_client.register(**facts | {"password": "another password"})
        assert answer.status_code == 201
        assert answer.json()["data"]["user_id"] != first

    async def test_repeated_registration_sends_another_code(self, user_client: UserClient, sandbox: Sandbox) -> None:
        facts = user_client.new_facts()
        first = await user_client.register(**facts)

        again = await user_client.register(**facts)

        assert again.json()["data"] == first.json()["data"]
        assert await sandbox.codes_sent_to(facts["phone"]) == 2

    async def test_repeated_registration_with_another_phone_sends_the_code_there(
        self, user_client: UserClient, sandbox: Sandbox
    ) -> None:
        facts, right = user_client.new_facts(), user_client.new_facts()["phone"]
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]

        await user_client.register(**facts | {"phone": right})

        assert await sandbox.codes_sent_to(right) == 1
        assert await phone_once_verified(user_client, user_id) == right

    async def test_phone_without_a_sent_code_is_never_verified(self, user_client: UserClient, sandbox: Sandbox) -> None:
        facts, victims = user_client.new_facts(), user_client.new_facts()["phone"]
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]
        await sandbox.order_fault("/SendOTP", status=500, times=1)

        refused = await user_client.register(**facts | {"phone": victims})

        assert (refused.status_code, code_of(refused)) == (503, "SERVICE_UNAVAILABLE")
        assert await phone_once_verified(user_client, user_id) == facts["phone"]

    async def test_phone_refused_by_a_limit_is_never_verified(self, limited_user_client: UserClient) -> None:
        facts, victims = limited_user_client.new_facts(), limited_user_client.new_facts()["phone"]
        sent = [await limited_user_client.register(**facts) for _ in range(3)]
        user_id = sent[-1].json()["data"]["user_id"]

        refused = await limited_user_client.register(**facts | {"phone": victims})

        assert (refused.status_code, code_of(refused)) == (429, "RATE_LIMITED")
        assert await phone_once_verified(limited_user_client, user_id) == facts["phone"]

    async def test_verified_account_cannot_be_registered_again(self, user_client: UserClient, sandbox: Sandbox) -> None:
        user = await user_client.join()
        answer = await user_client.register(email=user.email, phone="+6598765432", password=PASSWORD)
        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")
        assert await sandbox.codes_sent_to("+6598765432") == 0

    async def test_phone_of_another_account_is_refused_once_its_code_is_right(
        self, user_client: UserClient, sandbox: Sandbox
    ) -> None:
        """Until then, the answers are those for any other phone."""
        user = await user_client.join()
        facts = user_client.new_facts() | {"phone": user.phone}

        registered = await user_client.register(**facts)
        user_id = registered.json()["data"]["user_id"]
        guessed = await user_client.verify(user_id, WRONG_CODE)
        refused = await user_client.verify(user_id)

        assert registered.status_code == 201
        assert code_of(guessed) == "OTP_INVALID"
        assert (refused.status_code, code_of(refused)) == (409, "PHONE_ALREADY_EXISTS")
        assert code_of(await user_client.log_in(facts["email"])) == "UNVERIFIED_ACCOUNT"
        assert await sandbox.codes_sent_to(user.phone) == 2

        await user_client.register(**facts | {"phone": user_client.new_facts()["phone"]})
        assert (await user_client.verify(user_id)).status_code == 200

    async def test_one_of_many_concurrent_verifications_gets_the_phone(self, user_client: UserClient) -> None:
        phone = user_client.new_facts()["phone"]
        registered = [await user_client.register(**user_client.new_facts() | {"phone": phone}) for _ in range(4)]
        user_ids = [answer.json()["data"]["user_id"] for answer in registered]

        answers = await asyncio.gather(*(user_client.verify(user_id) for user_id in user_ids))

        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]

    @pytest.mark.parametrize("template", ["+65 {} {}", "0065{}{}", "(+65) {}-{}", "+65 (0) {}.{}"])
    async def test_number_is_stored_in_its_international_form(self, user_client: UserClient, template: str) -> None:
        phone = user_client.new_facts()["phone"]
        written = template.format(phone[3:7], phone[7:])

        answer = await user_client.register(**user_client.new_facts() | {"phone": written})

        assert await phone_once_verified(user_client, answer.json()["data"]["user_id"]) == phone

    async def test_concurrent_registrations_of_one_email_create_one_account(self, user_client: UserClient) -> None:
        facts = user_client.new_facts()
        answers = await asyncio.gather(*(user_client.register(**facts) for _ in range(4)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["data"]["user_id"] for answer in answers}) == 1

    async def test_provider_outage_keeps_the_registration(self, user_client: UserClient, sandbox: Sandbox) -> None:
        facts = user_client.new_facts()
        await sandbox.order_fault("/SendOTP", status=500, times=1)

        answer = await user_client.register(**facts)
        again = await user_client.register(**facts)

        assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
        assert again.status_code == 201
        assert (await user_client.verify(again.json()["data"]["user_id"])).status_code == 200

    async def test_codes_to_one_account_are_limited(self, user_client: UserClient) -> None:
        facts = user_client.new_facts()

        answers = [await user_client.register(**facts) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [201] * 5 + [429]
        assert code_of(answers[-1]) == "RATE_LIMITED"
        assert int(answers[-1].headers["retry-after"]) > 3000

    async def test_codes_to_one_phone_are_limited_across_accounts(self, limited_user_client: UserClient) -> None:
        phone = limited_user_client.new_facts()["phone"]
        answers = [
            await limited_user_client.register(**limited_user_client.new_facts() | {"phone": phone}) for _ in range(4)
        ]
        assert [answer.status_code for answer in answers] == [201] * 3 + [429]

    async def test_codes_for_one_network_are_limited_across_recipients(
        self, network_limited_user_client: UserClient, sandbox: Sandbox
    ) -> None:
        address, facts = fresh_address(), network_limited_user_client.new_facts()
        for _ in range(3):
            answer = await network_limited_user_client.register(
                address=address, **network_limited_user_client.new_facts()
            )
            assert answer.status_code == 201

        refused = await network_limited_user_client.register(address=address.removesuffix("1") + "abcd", **facts)
        sent = await sandbox.codes_sent_to(facts["phone"])
        # No account is left behind: the email address is free with any password.
        elsewhere = await network_limited_user_client.register(
            address=fresh_address(), **facts | {"password": "another password"}
        )

        assert (refused.status_code, code_of(refused), sent) == (429, "RATE_LIMITED", 0)
        assert int(refused.headers["retry-after"]) > 3000
        assert elsewhere.status_code == 201

    async def test_a_burst_from_one_network_gets_no_more_codes_than_the_limit(
        self, network_limited_user_client: UserClient
    ) -> None:
        address = fresh_address()
        answers = await asyncio.gather(
            *(
                network_limited_user_client.register(address=address, **network_limited_user_client.new_facts())
                for _ in range(8)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5

    async def test_sends_refused_to_an_account_do_not_count_for_the_phone(
        self, limited_user_client: UserClient
    ) -> None:
        facts, phone = limited_user_client.new_facts(), limited_user_client.new_facts()["phone"]
        for _ in range(3):
            assert (await limited_user_client.register(**facts)).status_code == 201

        refused = [await limited_user_client.register(**facts | {"phone": phone}) for _ in range(4)]
        theirs = await limited_user_client.register(**limited_user_client.new_facts() | {"phone": phone})

        assert {answer.status_code for answer in refused} == {429}
        assert theirs.status_code == 201

    async def test_registration_does_not_reveal_the_password_of_an_unverified_account(
        self, user_client: UserClient
    ) -> None:
        """Beyond the limit, not even the right one finds the account."""
        facts = user_client.new_facts()
        first = await user_client.register(**facts)

        guesses = [await user_client.register(**facts | {"password": f"a guess {n}"}) for n in range(10)]
        right = await user_client.register(**facts)

        assert {guess.status_code for guess in (*guesses, right)} == {201}
        assert right.json()["data"]["user_id"] != first.json()["data"]["user_id"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
            ("email", "a@b"),
            ("email", "x" * 250 + "@example.com"),
            ("phone", "91234567"),
            ("phone", "+0123456789"),
            ("phone", "+65 9123 456x"),
            ("phone", "9123 4567"),
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
    async def test_invalid_field_is_named(self, user_client: UserClient, field: str, value: object) -> None:
        answer = await user_client.http.post("/api/auth/register", json=user_client.new_facts() | {field: value})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
        assert list(answer.json()["details"]["fields"]) == [f"body.{field}"]

    async def test_password_is_stored_as_an_argon2id_hash(self, user_client: UserClient, database: Database) -> None:
        facts = user_client.new_facts()
        await user_client.register(**facts)
        hashed = await user_client.hash_of(database, facts["email"])
        assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


class TestVerify:
    async def test_right_code_logs_in(self, user_client: UserClient) -> None:
        facts = user_client.new_facts()
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]

        answer = await user_client.verify(user_id)

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

    async def test_registration_is_announced(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        assert await outbox_of(database, str(user.user_id)) == ["user.registered"]

    async def test_a_wrong_code_is_401(self, user_client: UserClient) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]
        answer = await user_client.verify(user_id, WRONG_CODE)
        assert (answer.status_code, code_of(answer)) == (401, "OTP_INVALID")
        assert (await user_client.verify(user_id)).status_code == 200

    async def test_third_wrong_code_closes_the_challenge(self, user_client: UserClient) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]

        answers = [await user_client.verify(user_id, WRONG_CODE) for _ in range(3)]
        right_but_late = await user_client.verify(user_id)

        assert [code_of(answer) for answer in answers] == ["OTP_INVALID", "OTP_INVALID", "OTP_MAX_RETRIES"]
        assert (right_but_late.status_code, code_of(right_but_late)) == (429, "OTP_MAX_RETRIES")
        assert right_but_late.headers["retry-after"] == "1"

    async def test_new_code_opens_a_new_challenge(self, user_client: UserClient) -> None:
        facts = user_client.new_facts()
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]
        for _ in range(4):
            await user_client.verify(user_id, WRONG_CODE)

        await user_client.register(**facts)

        assert (await user_client.verify(user_id)).status_code == 200

    async def test_concurrent_guesses_are_all_counted(self, user_client: UserClient) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]

        guesses = await asyncio.gather(*(user_client.verify(user_id, f"{n:06d}") for n in range(20)))

        codes = sorted(code_of(guess) for guess in guesses)
        assert codes == ["OTP_INVALID"] * 2 + ["OTP_MAX_RETRIES"] * 18
        assert code_of(await user_client.verify(user_id)) == "OTP_MAX_RETRIES"

    async def test_expired_code_is_410(self, user_client: UserClient, sandbox: Sandbox) -> None:
        facts = user_client.new_facts()
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]
        await sandbox.expire_codes(facts["phone"])
        answer = await user_client.verify(user_id)
        assert (answer.status_code, code_of(answer)) == (410, "OTP_EXPIRED")

    async def test_provider_outage_does_not_count_as_an_attempt(
        self, user_client: UserClient, sandbox: Sandbox
    ) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]
        await sandbox.order_fault("/VerifyOTP", status=502, times=5)

        outages = [await user_client.verify(user_id) for _ in range(5)]

        assert {(answer.status_code, code_of(answer)) for answer in outages} == {(503, "SERVICE_UNAVAILABLE")}
        assert (await user_client.verify(user_id)).status_code == 200

    async def test_provider_timeout_is_an_outage(
        self, user_client: UserClient, short_timeout_user_client: UserClient, sandbox: Sandbox
    ) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]
        await sandbox.order_fault("/VerifyOTP", delay_seconds=2, times=1)
        answer = await short_timeout_user_client.verify(user_id)
        assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")

    async def test_an_unknown_user_is_404(self, user_client: UserClient) -> None:
        answer = await user_client.verify(uuid.uuid4())
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_malformed_id_is_400(self, user_client: UserClient) -> None:
        answer = await user_client.verify("me")
        assert (answer.status_code, code_of(answer)) == (400, "INVALID_UUID")

    @pytest.mark.parametrize("code", ["", "abc", "12345678901", "\uff11" * 6])
    async def test_malformed_code_is_400(self, user_client: UserClient, code: str) -> None:
        answer = await user_client.verify(uuid.uuid4(), code)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    async def test_code_of_another_user_is_refused(self, user_client: UserClient, sandbox: Sandbox) -> None:
        mine, theirs = user_client.new_facts(), user_client.new_facts()
        await sandbox.use_code(theirs["phone"], "777777")
        my_id = (await user_client.register(**mine)).json()["data"]["user_id"]
        their_id = (await user_client.register(**theirs)).json()["data"]["user_id"]

        assert code_of(await user_client.verify(their_id, CODE)) == "OTP_INVALID"
        assert (await user_client.verify(their_id, "777777")).status_code == 200
        assert (await user_client.verify(my_id, CODE)).status_code == 200
