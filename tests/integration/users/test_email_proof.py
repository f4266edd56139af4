"""An email address counts once it is proven by a link, and belongs to the account that proves it first (W1)."""

import asyncio
import base64
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.user_client import (
    PASSWORD,
    LedgerCaller,
    Sandbox,
    UserClient,
    code_of,
    fresh_address,
)

OWNERS_PASSWORD = "the owner of the mailbox"
HALF_AN_HOUR = timedelta(minutes=30, seconds=1)
MESSAGES = text("SELECT convert_from(body, 'UTF8') AS body FROM outbox WHERE routing_key = 'account.email_requested'")


async def texts_to(sandbox: Sandbox, phone: str) -> list[str]:
    sent = (await sandbox.http.get("/control/sent", params={"mobile": phone})).json()
    return [message["text"] for message in sent if message["kind"] == "sms"]


class TestProof:
    async def test_link_proves_the_address(self, user_client: UserClient, account_emails: AccountEmails) -> None:
        user = await user_client.join()
        before = await user_client.profile(user)

        answer = await user_client.verify_email(await account_emails.token(user.email, "verify_email"))

        assert (before["email"], before["is_email_verified"]) == (user.email, False)
        assert (answer.status_code, answer.json()["data"]) == (200, {"email": user.email, "is_email_verified": True})
        assert (await user_client.profile(user))["is_email_verified"] is True

    async def test_link_can_be_used_again_without_effect(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        """The response may have been lost."""
        user = await user_client.join()
        token = await account_emails.token(user.email, "verify_email")
        answers = await asyncio.gather(*(user_client.verify_email(token) for _ in range(3)))
        assert [answer.status_code for answer in answers] == [200] * 3

    async def test_link_ends_after_half_an_hour(self, user_client: UserClient, account_emails: AccountEmails) -> None:
        user = await user_client.join()
        token = await account_emails.token(user.email, "verify_email")
        await account_emails.let_time_pass(user.email, HALF_AN_HOUR)

        answer = await user_client.verify_email(token)

        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")
        assert await account_emails.to(user.email) == []
        assert (await user_client.profile(user))["is_email_verified"] is False

    async def test_forged_token_is_refused(
        self, user_client: UserClient, account_emails: AccountEmails, database: Database
    ) -> None:
        user = await user_client.join()
        token = await account_emails.token(user.email, "verify_email")
        row = await database.fetch_one(
            text("SELECT link_id FROM email_links WHERE email = :email"), {"email": user.email}
        )
        assert row is not None
        untagged = base64.urlsafe_b64encode(row["link_id"].bytes).decode()
        other_tag = base64.urlsafe_b64encode(row["link_id"].bytes + bytes(32)).decode()

        for forged in (untagged, other_tag, token[:-4], token[4:], "A" * 64, "\u00e9", "!", token + "AAAA"):
            answer = await user_client.verify_email(forged)
            assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED"), forged
        assert (await user_client.verify_email(token)).status_code == 200

    async def test_link_serves_its_own_purpose_only(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        token = await account_emails.token(user.email, "verify_email")
        answer = await user_client.reset_password(token, "another password")
        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")

    async def test_messages_and_rows_contain_nothing_usable(
        self, user_client: UserClient, account_emails: AccountEmails, database: Database
    ) -> None:
        user = await user_client.join()
        token = await account_emails.token(user.email, "verify_email")
        bodies = [row["body"] for row in await database.fetch_all(MESSAGES)]
        assert bodies
        assert not any(user.email in body or token in body for body in bodies)
        assert all("@" not in body for body in bodies)

    async def test_another_link_can_be_requested_until_the_address_is_proven(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        answer = await user_client.http.post("/api/auth/verify-email/resend", headers=user.headers)
        links = await account_emails.to(user.email)
        await account_emails.prove(user_client, user)
        after = await user_client.http.post("/api/auth/verify-email/resend", headers=user.headers)

        assert (answer.status_code, len(links)) == (200, 2)
        assert after.json() == answer.json()
        assert await account_emails.to(user.email) == []
        earlier = await user_client.verify_email(links[0]["token"])
        assert earlier.status_code == 200

    async def test_links_to_one_mailbox_are_limited(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answers = [await user_client.http.post("/api/auth/verify-email/resend", headers=user.headers) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429]

    async def test_forgotten_passwords_do_not_use_up_the_links(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        """Anyone may ask for a new password."""
        facts = user_client.new_facts()
        for _ in range(6):
            await user_client.forgot_password(facts["email"], address=fresh_address())
        user = await user_client.join(**facts)
        asked = (await account_emails.purposes(user.email)).count("verify_email")
        again = await user_client.http.post("/api/auth/verify-email/resend", headers=user.headers)
        assert (asked, again.status_code) == (1, 200)

    async def test_links_of_another_account_with_the_address_do_not_count(self, user_client: UserClient) -> None:
        stranger = await user_client.join()
        owner = await user_client.join(email=stranger.email, password=OWNERS_PASSWORD)
        path = "/api/auth/verify-email/resend"
        answers = [await user_client.http.post(path, headers=stranger.headers) for _ in range(5)]
        assert answers[-1].status_code == 429
        assert (await user_client.http.post(path, headers=owner.headers)).status_code == 200

    async def test_user_is_asked_at_the_next_login_if_there_were_too_many_links(
        self, user_client: UserClient, account_emails: AccountEmails, database: Database
    ) -> None:
        user, email = await user_client.join(), user_client.new_facts()["email"]
        body = {"email": email, "current_password": PASSWORD}
        for _ in range(6):
            await user_client.http.patch("/api/users/me", json=body, headers=user.headers)
        await user_client.log_in(user.email)
        before = len(await account_emails.to(email))
        await database.execute(text("UPDATE attempts SET ends_at = now() WHERE scope LIKE 'links-%'"))
        await user_client.log_in(user.email)
        assert (before, len(await account_emails.to(email))) == (5, 6)

    async def test_user_is_asked_at_login_once_a_week(
        self, user_client: UserClient, account_emails: AccountEmails, database: Database
    ) -> None:
        user = await user_client.join()
        for _ in range(3):
            assert (await user_client.log_in(user.email)).status_code == 200
        first = await account_emails.purposes(user.email)
        await user_client.end_windows(database)
        await user_client.log_in(user.email)

        assert first == ["verify_email"]
        assert await account_emails.purposes(user.email) == ["verify_email"] * 2


class TestUnprovenHolder:
    """An account that has an address and has not proven it does not keep the owner of the mailbox out."""

    async def test_owner_registers_logs_in_and_gets_the_address(
        self, user_client: UserClient, account_emails: AccountEmails, sandbox: Sandbox
    ) -> None:
        squatter = await user_client.join()
        owner = await user_client.join(email=squatter.email, password=OWNERS_PASSWORD)
        assert (await user_client.log_in(owner.email, OWNERS_PASSWORD)).json()["data"]["user"]["user_id"] == str(
            owner.user_id
        )
        assert (await user_client.log_in(squatter.email)).json()["data"]["user"]["user_id"] == str(squatter.user_id)
        before = await user_client.profile(owner)

        await account_emails.prove(user_client, owner, password=OWNERS_PASSWORD)

        after, lost = await user_client.profile(owner), await user_client.profile(squatter)
        assert (before["email"], before["new_email"]) == (None, owner.email)
        assert (after["email"], after["new_email"], after["is_email_verified"]) == (owner.email, None, True)
        assert (lost["email"], lost["is_email_verified"]) == (None, False)
        [told] = await texts_to(sandbox, squatter.phone)
        assert owner.email not in told
        assert (await user_client.refresh(squatter.refresh_token)).status_code == 200
        assert (await user_client.log_in(owner.email, OWNERS_PASSWORD)).status_code == 200
        assert (await user_client.log_in(squatter.email)).status_code == 401

    @pytest.mark.parametrize("is_first", [True, False], ids=["holder", "claimant"])
    async def test_strangers_link_does_not_take_the_address_of_the_owners_account(
        self, user_client: UserClient, account_emails: AccountEmails, sandbox: Sandbox, *, is_first: bool
    ) -> None:
        """The owner gets the stranger's link, takes it for their own, and does not know the stranger's password."""
        stranger = await user_client.join() if is_first else None
        owner = await user_client.join(**({"email": stranger.email} if stranger else {}), password=OWNERS_PASSWORD)
        stranger = stranger or await user_client.join(email=owner.email)
        links = await account_emails.to(owner.email)
        [link] = [each for each in links if each["phone_ending"] == stranger.phone[-4:]]

        refused = await user_client.verify_email(link["token"])
        wrong = await user_client.verify_email(link["token"], password=OWNERS_PASSWORD)

        for answer in (refused, wrong):
            assert (answer.status_code, code_of(answer)) == (403, "PASSWORD_INVALID")
        assert f"ending in {stranger.phone[-4:]}." in refused.json()["message"]
        assert (await user_client.log_in(owner.email, OWNERS_PASSWORD)).status_code == 200
        [own] = [each for each in links if each["phone_ending"] == owner.phone[-4:]]
        assert (await user_client.verify_email(own["token"], password=OWNERS_PASSWORD)).status_code == 200
        assert len(await texts_to(sandbox, stranger.phone)) == 1
        assert await texts_to(sandbox, owner.phone) == []

    async def test_passwords_tried_with_a_link_are_limited(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        token = await account_emails.token(user.email, "verify_email")
        answers = [await user_client.verify_email(token, password=f"guess {n}") for n in range(11)]
        assert [answer.status_code for answer in answers] == [403] * 10 + [429]

    async def test_account_whose_phone_is_not_verified_needs_no_password(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        facts = user_client.new_facts()
        await user_client.register(**facts)
        owner = await user_client.join(email=facts["email"], password=OWNERS_PASSWORD)
        await account_emails.prove(user_client, owner)

    async def test_owner_registers_while_the_logins_of_the_other_account_are_used_up(
        self, guessed_user_client: UserClient
    ) -> None:
        squatter, address = await guessed_user_client.join(), fresh_address()
        for n in range(4):
            await guessed_user_client.log_in(squatter.email, f"guess {n}", address=address)
        facts = guessed_user_client.new_facts() | {"email": squatter.email, "password": OWNERS_PASSWORD}
        answer = await guessed_user_client.register(address=address, **facts)
        assert answer.status_code == 201
        assert (await guessed_user_client.verify(answer.json()["data"]["user_id"])).status_code == 200

    async def test_registrations_do_not_use_up_the_logins_of_the_other_account(
        self, guessed_user_client: UserClient
    ) -> None:
        holder = await guessed_user_client.join()
        for n in range(6):
            facts = guessed_user_client.new_facts() | {"email": holder.email, "password": f"password {n}"}
            answer = await guessed_user_client.register(address=fresh_address(), **facts)
            assert answer.status_code == 201
        assert (await guessed_user_client.log_in(holder.email, address=fresh_address())).status_code == 200

    async def test_passwords_tried_by_registrations_are_limited_across_networks(
        self, guessed_user_client: UserClient
    ) -> None:
        """Beyond the limit, not even the right password tells."""
        holder = await guessed_user_client.join()

        async def register(password: str) -> int:
            facts = guessed_user_client.new_facts() | {"email": holder.email, "password": password}
            return (await guessed_user_client.register(address=fresh_address(), **facts)).status_code

        known = await register(PASSWORD)
        guesses = [await register(f"a guess {n}") for n in range(5)]
        assert (known, guesses) == (409, [201] * 5)
        assert await register(PASSWORD) == 201

    async def test_proven_address_is_taken(self, user_client: UserClient, account_emails: AccountEmails) -> None:
        owner = await user_client.join()
        await account_emails.prove(user_client, owner)
        answer = await user_client.register(
            **user_client.new_facts() | {"email": owner.email, "password": OWNERS_PASSWORD}
        )
        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")

    async def test_own_account_is_not_registered_twice(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answer = await user_client.register(**user_client.new_facts() | {"email": user.email})
        assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")

    async def test_interrupted_registration_is_continued(self, user_client: UserClient, sandbox: Sandbox) -> None:
        squatter, facts = await user_client.join(), user_client.new_facts()
        mine = facts | {"email": squatter.email, "password": OWNERS_PASSWORD}
        first = await user_client.register(**mine)
        again = await user_client.register(**mine)
        assert again.json()["data"] == first.json()["data"]
        assert await sandbox.codes_sent_to(facts["phone"]) == 2

    async def test_first_proof_wins_and_the_other_account_is_told_by_the_mailbox(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        squatter = await user_client.join()
        owner = await user_client.join(email=squatter.email, password=OWNERS_PASSWORD)
        first, second = [each["token"] for each in await account_emails.to(owner.email)]

        answers = await asyncio.gather(
            user_client.verify_email(first, password=PASSWORD),
            user_client.verify_email(second, password=OWNERS_PASSWORD),
        )

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert {code_of(answer) for answer in answers} == {"", "EMAIL_ALREADY_EXISTS"}
        proven = [(await user_client.profile(user))["is_email_verified"] for user in (squatter, owner)]
        assert sorted(proven) == [False, True]

    async def test_accounts_that_exchange_addresses_at_once_do_not_deadlock(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        for _ in range(3):
            users = [await user_client.join() for _ in range(2)]
            for user, other in zip(users, reversed(users), strict=True):
                body = {"email": other.email, "current_password": "correct horse battery"}
                assert (
                    await user_client.http.patch("/api/users/me", json=body, headers=user.headers)
                ).status_code == 200
            tokens = [await account_emails.token(user.email, "verify_email") for user in users]
            answers = await asyncio.gather(*(user_client.verify_email(token, password=PASSWORD) for token in tokens))
            assert {answer.status_code for answer in answers} == {200}
            emails = [(await user_client.profile(user))["email"] for user in users]
            assert emails == [user.email for user in reversed(users)]

    async def test_password_of_any_of_six_accounts_is_not_tried_for_ever(self, user_client: UserClient) -> None:
        """The number of passwords that one login checks is bounded."""
        squatter = await user_client.join()
        users = [await user_client.join(email=squatter.email, password=f"password {n}") for n in range(5)]
        statuses = [(await user_client.log_in(users[n].email, f"password {n}")).status_code for n in range(5)]
        assert statuses == [401, 200, 200, 200, 200]


class TestFoundByAddress:
    async def test_proven_address_is_found(
        self, user_client: UserClient, account_emails: AccountEmails, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        unproven = await ledger.http.post("/internal/users/find", json={"email": user.email})
        await account_emails.prove(user_client, user)
        proven = await ledger.http.post("/internal/users/find", json={"email": user.email.upper()})

        assert (unproven.status_code, code_of(unproven)) == (404, "USER_NOT_FOUND")
        assert "proven" in unproven.json()["message"]
        assert proven.json()["data"]["user_id"] == str(user.user_id)
        assert proven.json()["data"]["is_email_verified"] is True


async def test_email_route_is_for_services_only(user_client: UserClient) -> None:
    user = await user_client.join()
    answer = await user_client.http.get(f"/internal/email-links/{uuid.uuid4()}", headers=user.headers)
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": "x" * 201}, {"token": "x", "user_id": "1"}])
async def test_bad_input_is_400(user_client: UserClient, body: dict[str, str]) -> None:
    answer = await user_client.http.post("/api/auth/verify-email", json=body)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


async def test_unknown_email_is_404_for_the_worker(account_emails: AccountEmails) -> None:
    answer = await account_emails.http.get(f"/internal/email-links/{uuid.uuid4()}")
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


async def test_guesses_at_other_accounts_are_no_oracle(user_client: UserClient) -> None:
    """A registration under an unproven address answers the same whatever the password."""
    facts = user_client.new_facts()
    user_id = (await user_client.register(**facts)).json()["data"]["user_id"]

    guesses = [
        await user_client.register(address=fresh_address(), **facts | {"password": f"a guess {n}"}) for n in range(3)
    ]

    assert [guess.status_code for guess in guesses] == [201] * 3
    assert user_id not in {guess.json()["data"]["user_id"] for guess in guesses}
