"""A new password by a link (W1)."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.test_email_proof import texts_to
from tests.integration.users.user_client import PASSWORD, LoggedInUser, Sandbox, UserClient, code_of, fresh_address

NEW_PASSWORD = "another horse battery"


async def link_to(user_client: UserClient, account_emails: AccountEmails, email: str) -> str:
    assert (await user_client.forgot_password(email)).status_code == 200
    return await account_emails.token(email, "reset_password")


class TestForgotPassword:
    async def test_known_and_unknown_addresses_get_the_same_answer(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        """`test_cost` shows that both cost the same."""
        known = (await user_client.join()).email
        unknown = known.replace("fan", "nobody")

        answers = [await user_client.forgot_password(email) for email in (known, unknown)]

        assert answers[0].status_code == 200
        assert answers[0].json() == answers[1].json()
        assert await account_emails.purposes(known) == ["verify_email", "reset_password"]
        assert await account_emails.purposes(unknown) == []

    async def test_address_in_capitals_is_the_same(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        await user_client.forgot_password(user.email.upper())
        assert "reset_password" in await account_emails.purposes(user.email)

    async def test_links_to_one_mailbox_are_limited_whether_it_is_known_or_not(self, user_client: UserClient) -> None:
        known = (await user_client.join()).email
        for email in (known, known.replace("fan", "nobody")):
            answers = [await user_client.forgot_password(email, address=fresh_address()) for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429]
            assert int(answers[-1].headers["retry-after"]) > 3000

    async def test_links_for_one_network_are_limited_across_mailboxes(self, limited_user_client: UserClient) -> None:
        address = fresh_address()
        answers = [
            await limited_user_client.forgot_password(f"nobody{n}@example.org", address=address) for n in range(4)
        ]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429]

    @pytest.mark.parametrize("body", [{}, {"email": "nobody"}, {"email": "a@example.com", "user_id": "x"}])
    async def test_bad_input_is_400(self, user_client: UserClient, body: dict[str, str]) -> None:
        answer = await user_client.http.post("/api/auth/forgot-password", json=body)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestResetPassword:
    async def test_sets_the_password_ends_all_sessions_and_proves_the_address(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]["refresh_token"]

        answer = await user_client.reset_password(await link_to(user_client, account_emails, user.email), NEW_PASSWORD)

        assert answer.status_code == 200
        for token in (user.refresh_token, elsewhere):
            assert (await user_client.refresh(token)).status_code == 401
        assert (await user_client.log_in(user.email)).status_code == 401
        assert (await user_client.log_in(user.email, NEW_PASSWORD)).status_code == 200
        assert (await user_client.profile(user))["is_email_verified"] is True
        assert await account_emails.purposes(user.email) == ["password_changed"]

    async def test_works_once_even_if_sent_twice_at_once(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        token = await link_to(user_client, account_emails, user.email)

        answers = await asyncio.gather(*(user_client.reset_password(token, f"password {n}") for n in range(4)))

        assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]
        [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        assert (await user_client.log_in(user.email, f"password {winner}")).status_code == 200

    async def test_earlier_links_end_with_it(self, user_client: UserClient, account_emails: AccountEmails) -> None:
        user = await user_client.join()
        first = await link_to(user_client, account_emails, user.email)
        await user_client.reset_password(await link_to(user_client, account_emails, user.email), NEW_PASSWORD)
        answer = await user_client.reset_password(first, "a third password")
        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")

    async def test_link_ends_after_half_an_hour(self, user_client: UserClient, account_emails: AccountEmails) -> None:
        user = await user_client.join()
        token = await link_to(user_client, account_emails, user.email)
        await account_emails.let_time_pass(user.email, timedelta(minutes=30, seconds=1))
        answer = await user_client.reset_password(token, NEW_PASSWORD)
        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")
        assert (await user_client.log_in(user.email)).status_code == 200

    async def test_counted_failures_are_reset(
        self, guessed_user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        client = guessed_user_client
        user = await client.join()
        for n in range(5):
            await client.log_in(user.email, f"guess {n}", address=fresh_address())
        assert (await client.log_in(user.email, address=fresh_address())).status_code == 429

        await client.reset_password(await link_to(client, account_emails, user.email), NEW_PASSWORD)

        assert (await client.log_in(user.email, NEW_PASSWORD, address=fresh_address())).status_code == 200

    async def test_change_of_address_that_a_thief_has_begun_ends(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        victim, theirs = await user_client.join(), user_client.new_facts()
        await _ask_for_change(user_client, victim, theirs)
        thiefs_link = await account_emails.token(theirs["email"], "verify_email")

        await user_client.reset_password(await link_to(user_client, account_emails, victim.email), NEW_PASSWORD)

        answer = await user_client.verify_email(thiefs_link)
        code = await user_client.http.post(
            "/api/users/me/verify-phone", json={"otp_code": "123456"}, headers=victim.headers
        )
        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")
        assert (code.status_code, code_of(code)) == (410, "OTP_EXPIRED")
        profile = await user_client.profile(victim)
        assert (profile["email"], profile["new_email"], profile["phone"]) == (victim.email, None, victim.phone)

    @pytest.mark.parametrize("chosen", [0, 1, 2])
    async def test_owner_of_the_mailbox_says_which_of_several_accounts_is_theirs(
        self, user_client: UserClient, account_emails: AccountEmails, sandbox: Sandbox, chosen: int
    ) -> None:
        """Accounts from before addresses were proven are found, too."""
        holder = await user_client.join()
        claimants = [await user_client.join(email=holder.email, password=f"of claimant {n}") for n in range(2)]
        own, *others = sorted([holder, *claimants], key=lambda user: user != [holder, *claimants][chosen])
        token = await link_to(user_client, account_emails, holder.email)

        missing = await user_client.reset_password(token, NEW_PASSWORD)
        wrong = await user_client.reset_password(token, NEW_PASSWORD, phone_ending="0" * 15)
        right = await user_client.reset_password(token, NEW_PASSWORD, phone_ending=own.phone[-4:])

        for answer in (missing, wrong):
            assert (answer.status_code, code_of(answer)) == (409, "PHONE_ENDING_REQUIRED")
        assert right.status_code == 200
        data = (await user_client.log_in(holder.email, NEW_PASSWORD)).json()["data"]
        assert data["user"]["user_id"] == str(own.user_id)
        assert (await user_client.refresh(own.refresh_token)).status_code == 401
        assert [len(await texts_to(sandbox, user.phone)) for user in (own, *others)] == [0, 1, 1]

    async def test_losers_are_told_once(
        self, user_client: UserClient, account_emails: AccountEmails, sandbox: Sandbox
    ) -> None:
        owner = await user_client.join()
        claimant = await user_client.join(email=owner.email, password="a password of their own")
        for _ in range(2):
            token = await link_to(user_client, account_emails, owner.email)
            answer = await user_client.reset_password(token, NEW_PASSWORD, phone_ending=owner.phone[-4:])
            assert answer.status_code == 200
        assert len(await texts_to(sandbox, claimant.phone)) == 1

    async def test_link_ends_with_the_third_wrong_ending(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        owner = await user_client.join()
        await user_client.join(email=owner.email, password="a password of their own")
        token = await link_to(user_client, account_emails, owner.email)
        endings = ["0" * 15] * 3 + [owner.phone[-4:]]
        answers = [await user_client.reset_password(token, NEW_PASSWORD, phone_ending=ending) for ending in endings]
        assert [answer.status_code for answer in answers] == [409] * 3 + [410]

    async def test_shared_ending_needs_more_digits(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        owner = await user_client.join(phone="+6581114567")
        await user_client.join(email=owner.email, password="a password of their own", phone="+6582224567")
        token = await link_to(user_client, account_emails, owner.email)
        answers = [
            await user_client.reset_password(token, NEW_PASSWORD, phone_ending=ending) for ending in ("4567", "14567")
        ]
        assert [answer.status_code for answer in answers] == [409, 200]
        data = (await user_client.log_in(owner.email, NEW_PASSWORD)).json()["data"]
        assert data["user"]["user_id"] == str(owner.user_id)

    @pytest.mark.parametrize("password", ["short77", "x" * 129, None])
    async def test_bad_password_is_400_and_the_link_stays(
        self, user_client: UserClient, account_emails: AccountEmails, password: object
    ) -> None:
        user = await user_client.join()
        token = await link_to(user_client, account_emails, user.email)
        refused = await user_client.http.post("/api/auth/reset-password", json={"token": token, "password": password})
        assert (refused.status_code, code_of(refused)) == (400, "VALIDATION_ERROR")
        assert (await user_client.reset_password(token, NEW_PASSWORD)).status_code == 200


async def _ask_for_change(user_client: UserClient, user: LoggedInUser, facts: dict[str, str]) -> None:
    body = {"email": facts["email"], "phone": facts["phone"], "current_password": PASSWORD}
    assert (await user_client.http.patch("/api/users/me", json=body, headers=user.headers)).status_code == 200
