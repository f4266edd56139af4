"""Users change their own password, name, email address and phone (W1)."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.errors import TooManyRequests
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.user_client import (
    CODE,
    PASSWORD,
    WRONG_CODE,
    LedgerCaller,
    LoggedInUser,
    Sandbox,
    UserClient,
    code_of,
)
from tests.support.waiting import eventually
from users.accounts.credentials import Credentials, LoginLimits
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository
from users.known_devices.repository import KnownDeviceRepository
from users.known_devices.service import KnownDeviceService
from users.limits.repository import AttemptsRepository
from users.limits.service import AttemptLimits, Limit

NEW_PASSWORD = "another horse battery"
OWN_PASSWORD = "a password of their own"
WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


class HeldPasswords(Passwords):
    """Checks a password when it is told to."""

    def __init__(self) -> None:
        super().__init__(threads=1, queue=1)
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def matches(self, password: str, *, stored_hash: str | None) -> bool:
        self.begun.set()
        await self.may_end.wait()
        return await super().matches(password, stored_hash=stored_hash)


def key_of(user: LoggedInUser) -> dict[str, object]:
    return {"user_id": user.user_id}


async def change_password(
    user_client: UserClient, user: LoggedInUser, current: str = PASSWORD, new: str = NEW_PASSWORD
) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await user_client.http.post("/api/auth/change-password", json=body, headers=user.headers)


async def change(user_client: UserClient, user: LoggedInUser, **body: object) -> httpx.Response:
    return await user_client.http.patch("/api/users/me", json=body, headers=user.headers)


async def verify_phone(user_client: UserClient, user: LoggedInUser, code: str = CODE) -> httpx.Response:
    return await user_client.http.post("/api/users/me/verify-phone", json={"otp_code": code}, headers=user.headers)


class TestPassword:
    async def test_change_ends_the_other_sessions_and_is_reported(
        self, user_client: UserClient, account_emails: AccountEmails, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]["refresh_token"]
        revoked = len((await ledger.http.get("/internal/sessions/revoked")).json()["data"])

        answer = await change_password(user_client, user)

        assert answer.status_code == 200
        assert (await user_client.refresh(user.refresh_token)).status_code == 200
        assert (await user_client.refresh(elsewhere)).status_code == 401
        assert len((await ledger.http.get("/internal/sessions/revoked")).json()["data"]) == revoked + 1
        assert (await user_client.log_in(user.email)).status_code == 401
        assert (await user_client.log_in(user.email, NEW_PASSWORD)).status_code == 200
        assert "password_changed" in await account_emails.purposes(user.email)

    async def test_wrong_current_password_is_403_and_limited_apart_from_logins(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answers = [await change_password(user_client, user, f"guess {n}") for n in range(11)]
        right = await change_password(user_client, user)

        assert [code_of(answer) for answer in answers] == ["PASSWORD_INVALID"] * 10 + ["RATE_LIMITED"]
        assert answers[0].status_code == 403
        assert right.status_code == 429
        assert (await user_client.log_in(user.email)).status_code == 200

    async def test_right_guess_of_a_burst_gets_no_answer(self, user_client: UserClient, database: Database) -> None:
        """It passes the limit before the wrong ones are counted, and its hash takes longer than theirs."""
        user = await user_client.join()
        passwords = HeldPasswords()
        limit = Limit("login-account-place", 10, 900)
        credentials = Credentials(
            accounts=AccountRepository(database),
            passwords=passwords,
            devices=KnownDeviceService(KnownDeviceRepository(database, days=1, most=1)),
            limits=AttemptLimits(AttemptsRepository(database)),
            login_limits=LoginLimits(limit, limit, limit, limit),
        )
        account = await credentials.accounts.by_id(user.user_id)
        assert account is not None

        right = asyncio.ensure_future(credentials.confirm(account, password=PASSWORD))
        await passwords.begun.wait()
        guesses = [await change_password(user_client, user, f"guess {n}") for n in range(10)]
        passwords.may_end.set()

        assert [guess.status_code for guess in guesses] == [403] * 10
        with pytest.raises(TooManyRequests):
            await right
        passwords.close()

    async def test_of_two_changes_at_once_one_succeeds(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answers = await asyncio.gather(*(change_password(user_client, user, new=f"new password {n}") for n in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 403]
        [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        assert (await user_client.log_in(user.email, f"new password {winner}")).status_code == 200

    async def test_waiting_change_of_address_ends(self, user_client: UserClient, account_emails: AccountEmails) -> None:
        user, new = await user_client.join(), user_client.new_facts()
        await change(user_client, user, email=new["email"], current_password=PASSWORD)
        await change_password(user_client, user)
        assert (await user_client.profile(user))["new_email"] is None
        assert await account_emails.to(new["email"]) == []

    async def test_account_without_another_address_keeps_the_one_it_asks_for(self, user_client: UserClient) -> None:
        holder = await user_client.join()
        user = await user_client.join(email=holder.email, password="a password of their own")
        assert (await change_password(user_client, user, "a password of their own")).status_code == 200
        assert (await user_client.log_in(user.email, NEW_PASSWORD)).status_code == 200


class TestName:
    async def test_counts_at_once(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answer = await change(user_client, user, name=" Zoë ")
        assert (answer.status_code, answer.json()["data"]["name"]) == (200, "Zoë")
        assert (await change(user_client, user, name="")).json()["data"]["name"] == ""


class TestEmail:
    async def test_counts_once_it_is_proven_and_the_previous_address_is_told(
        self, user_client: UserClient, account_emails: AccountEmails, ledger: LedgerCaller
    ) -> None:
        user, new = await user_client.join(), user_client.new_facts()["email"]
        await account_emails.prove(user_client, user)

        asked = await change(user_client, user, email=new.upper(), current_password=PASSWORD)
        waiting = await ledger.http.get(f"/internal/users/{user.user_id}")
        early = await user_client.log_in(new)
        proven = await user_client.verify_email(await account_emails.token(new, "verify_email"))

        assert (asked.status_code, asked.json()["data"]["new_email"]) == (200, new)
        assert waiting.json()["data"]["email"] == user.email
        assert early.status_code == 401
        assert proven.json()["data"]["email"] == new
        profile = await user_client.profile(user)
        assert (profile["email"], profile["new_email"], profile["is_email_verified"]) == (new, None, True)
        assert await account_emails.purposes(user.email) == ["email_changed"]
        assert (await user_client.log_in(user.email)).status_code == 401
        assert (await user_client.log_in(new)).status_code == 200
        assert (await user_client.register(**user_client.new_facts() | {"email": user.email})).status_code == 201

    async def test_proven_address_of_another_user_gets_the_same_answer(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        """Only the owner of the mailbox learns that it is taken."""
        owner, user = await user_client.join(), await user_client.join()
        await account_emails.prove(user_client, owner)

        taken = await change(user_client, user, email=owner.email, current_password=PASSWORD)
        link = await user_client.verify_email(await account_emails.token(owner.email, "verify_email"))

        assert (taken.status_code, taken.json()["data"]["new_email"]) == (200, owner.email)
        assert (link.status_code, code_of(link)) == (409, "EMAIL_ALREADY_EXISTS")
        assert (await user_client.profile(user))["email"] == user.email

    async def test_account_without_an_address_keeps_the_one_it_logs_in_by(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        holder, new = await user_client.join(), user_client.new_facts()["email"]
        user = await user_client.join(email=holder.email, password=OWN_PASSWORD)

        asked = await change(user_client, user, email=new, current_password=OWN_PASSWORD)
        waiting = [(await user_client.log_in(email, OWN_PASSWORD)).status_code for email in (holder.email, new)]
        proven = await user_client.verify_email(await account_emails.token(new, "verify_email"))
        after = [(await user_client.log_in(email, OWN_PASSWORD)).status_code for email in (holder.email, new)]

        assert (asked.status_code, asked.json()["data"]["new_email"], proven.status_code) == (200, holder.email, 200)
        assert (waiting, after) == ([200, 401], [401, 200])
        assert (await user_client.profile(user))["email"] == new

    async def test_new_password_ends_a_link_of_an_account_without_an_address(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        holder, thiefs = await user_client.join(), user_client.new_facts()["email"]
        user = await user_client.join(email=holder.email, password=OWN_PASSWORD)
        await change(user_client, user, email=thiefs, current_password=OWN_PASSWORD)
        token = await account_emails.token(thiefs, "verify_email")
        assert (await change_password(user_client, user, OWN_PASSWORD)).status_code == 200
        answer = await user_client.verify_email(token)
        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")

    async def test_present_address_withdraws_a_change(
        self, user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        user, new = await user_client.join(), user_client.new_facts()["email"]
        await change(user_client, user, email=new, current_password=PASSWORD)
        token = await account_emails.token(new, "verify_email")
        back = await change(user_client, user, email=user.email, current_password=PASSWORD)
        answer = await user_client.verify_email(token)

        assert back.json()["data"]["new_email"] is None
        assert (answer.status_code, code_of(answer)) == (410, "LINK_EXPIRED")


class TestPhone:
    async def test_counts_once_its_code_is_entered(
        self, user_client: UserClient, account_emails: AccountEmails, sandbox: Sandbox
    ) -> None:
        user, new = await user_client.join(), user_client.new_facts()["phone"]

        asked = await change(user_client, user, phone=new, current_password=PASSWORD)
        sent = await sandbox.codes_sent_to(new)
        wrong = await verify_phone(user_client, user, WRONG_CODE)
        answers = [await verify_phone(user_client, user) for _ in range(2)]

        assert (asked.status_code, asked.json()["data"]["phone"], sent) == (200, user.phone, 1)
        assert (wrong.status_code, code_of(wrong)) == (401, "OTP_INVALID")
        assert [answer.json()["data"]["phone"] for answer in answers] == [new, new]
        assert (await account_emails.purposes(user.email)).count("phone_changed") == 1
        told = (await sandbox.http.get("/control/sent", params={"mobile": user.phone})).json()
        assert [message["kind"] for message in told] == ["otp", "sms"]

    async def test_verified_phone_of_another_user_is_409(self, user_client: UserClient) -> None:
        user, other = await user_client.join(), await user_client.join()
        await change(user_client, user, phone=other.phone, current_password=PASSWORD)
        answer = await verify_phone(user_client, user)
        assert (answer.status_code, code_of(answer)) == (409, "PHONE_ALREADY_EXISTS")
        assert (await user_client.profile(user))["phone"] == user.phone

    async def test_change_that_overlaps_a_new_password_ends(self, user_client: UserClient, database: Database) -> None:
        """The code is right, and the new password comes before the phone is changed."""
        user, new = await user_client.join(), user_client.new_facts()["phone"]
        await change(user_client, user, phone=new, current_password=PASSWORD)
        async with database.transaction() as reset:
            await reset.execute(text("SELECT 1 FROM users WHERE user_id = :user_id FOR UPDATE"), key_of(user))
            verifying = asyncio.ensure_future(verify_phone(user_client, user))
            await eventually(lambda: database.fetch_all(WAITING))
            await reset.execute(text("DELETE FROM otp_challenges WHERE user_id = :user_id"), key_of(user))
        answer = await verifying
        assert (answer.status_code, code_of(answer)) == (410, "OTP_EXPIRED")
        assert (await user_client.profile(user))["phone"] == user.phone

    async def test_without_a_code_is_410(self, user_client: UserClient) -> None:
        answer = await verify_phone(user_client, await user_client.join())
        assert (answer.status_code, code_of(answer)) == (410, "OTP_EXPIRED")


class TestProfile:
    async def test_change_of_email_or_phone_needs_the_password(
        self, user_client: UserClient, account_emails: AccountEmails, sandbox: Sandbox
    ) -> None:
        user, new = await user_client.join(), user_client.new_facts()
        for field in ("email", "phone"):
            answer = await change(user_client, user, **{field: new[field]}, current_password="a guess")
            assert (answer.status_code, code_of(answer)) == (403, "PASSWORD_INVALID")
        assert await account_emails.to(new["email"]) == []
        assert await sandbox.codes_sent_to(new["phone"]) == 0

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": "x" * 81},
            {"email": "nobody", "current_password": PASSWORD},
            {"email": "new@example.com"},
            {"phone": "+6599999999"},
            {"current_password": PASSWORD},
            {"name": "Ann", "roles": ["admin"]},
        ],
    )
    async def test_bad_input_is_400(self, user_client: UserClient, body: dict[str, object]) -> None:
        answer = await change(user_client, await user_client.join(), **body)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestSessions:
    async def test_are_listed_with_their_origin(self, user_client: UserClient) -> None:
        user = await user_client.join()
        firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
        headers = {"user-agent": firefox, "x-forwarded-for": "2001:db8:1:2:3:4:5:6"}
        body = {"email": user.email, "password": PASSWORD}
        await user_client.http.post("/api/auth/login", json=body, headers=headers)
        await user_client.refresh(user.refresh_token)

        sessions = (await user_client.http.get("/api/auth/sessions", headers=user.headers)).json()["data"]

        assert [(each["device"], each["network"], each["is_current"]) for each in sessions] == [
            ("python-httpx", "127.0.0.1", True),
            ("Firefox on Windows", "2001:db8:1:2::/64", False),
        ]
        assert sessions[0]["last_used_at"] > sessions[0]["created_at"]
        assert sessions[0]["last_used_at"] > sessions[1]["last_used_at"]

    async def test_one_is_ended(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]["refresh_token"]
        sessions = (await user_client.http.get("/api/auth/sessions", headers=user.headers)).json()["data"]
        [other] = [each["session_id"] for each in sessions if not each["is_current"]]

        answers = [await user_client.http.delete(f"/api/auth/sessions/{other}", headers=user.headers) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [204, 204]
        assert (await user_client.refresh(elsewhere)).status_code == 401
        assert (await user_client.refresh(user.refresh_token)).status_code == 200
        revoked = (await ledger.http.get("/internal/sessions/revoked")).json()["data"]
        assert other in {each["session_id"] for each in revoked}

    async def test_of_another_user_is_404(self, user_client: UserClient) -> None:
        user, other = await user_client.join(), await user_client.join()
        [session] = (await user_client.http.get("/api/auth/sessions", headers=other.headers)).json()["data"]
        answer = await user_client.http.delete(f"/api/auth/sessions/{session['session_id']}", headers=user.headers)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
        assert (await user_client.refresh(other.refresh_token)).status_code == 200

    async def test_all_are_ended(self, user_client: UserClient) -> None:
        user, other = await user_client.join(), await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]["refresh_token"]
        answer = await user_client.http.delete("/api/auth/sessions", headers=user.headers)
        assert answer.status_code == 204
        for token in (user.refresh_token, elsewhere):
            assert (await user_client.refresh(token)).status_code == 401
        assert (await user_client.refresh(other.refresh_token)).status_code == 200
