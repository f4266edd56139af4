"""Export of a user's data, and deletion of an account: the books stay, the person goes (W1)."""

import asyncio
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.payment_caller import PaymentCaller, new_payment_caller
from tests.integration.users.test_audit import reported
from tests.integration.users.test_ledger_debts import put_in_debt
from tests.integration.users.user_client import PASSWORD, LedgerCaller, LoggedInUser, UserClient, code_of, outbox_of
from tests.support.waiting import eventually
from users.accounts.repository import AccountRepository
from users.sessions.origin import Origin
from users.sessions.repository import SessionRepository
from users.sessions.tokens import RefreshToken

WAITING: Final = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
NOTHING_LEFT: Final[dict[str, Any]] = {
    "email": None,
    "phone": None,
    "name": "",
    "password_hash": "",
    "roles": [],
    "is_flagged": False,
    "assigned_hall_id": None,
    "assigned_venue_id": None,
}


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


async def delete(
    ledger: LedgerCaller, user: LoggedInUser, *, password: str = PASSWORD, forfeits: bool = False
) -> httpx.Response:
    body = {
        "user_id": str(user.user_id),
        "current_password": password,
        "address": "2001:db8::1",
        "forfeits": forfeits,
        "tickets": 2,
    }
    return await ledger.http.post("/internal/personal-data/delete", json=body)


async def row_of(database: Database, user_id: uuid.UUID) -> dict[str, Any]:
    row = await database.fetch_one(text("SELECT * FROM users WHERE user_id = :user_id"), {"user_id": user_id})
    assert row is not None
    return dict(row)


class TestDeletion:
    async def test_person_is_gone_and_the_row_stays(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        user = await user_client.join()

        assert (await delete(ledger, user)).json()["data"] == {"credits_forfeited": "0.00"}

        row = await row_of(database, user.user_id)
        assert row["deleted_at"] is not None
        assert {name: row[name] for name in NOTHING_LEFT} == NOTHING_LEFT
        for table in ("refresh_tokens JOIN sessions USING (session_id)", "otp_challenges"):
            left = await database.fetch_all(
                text(f"SELECT 1 FROM {table} WHERE user_id = :user_id"),  # noqa: S608 - constants
                {"user_id": user.user_id},
            )
            assert list(left) == []

    async def test_links_to_the_addresses_are_gone(
        self, user_client: UserClient, ledger: LedgerCaller, account_emails: AccountEmails, database: Database
    ) -> None:
        user, new = await user_client.join(), user_client.new_facts()["email"]
        body = {"email": new, "current_password": PASSWORD}
        await user_client.http.patch("/api/users/me", json=body, headers=user.headers)
        for email in (user.email, new):
            await user_client.forgot_password(email)
        assert len(await account_emails.to(user.email)) == 2

        assert (await delete(ledger, user)).status_code == 200

        left = text("SELECT 1 FROM email_links WHERE email = :email OR email = :new")
        assert list(await database.fetch_all(left, {"email": user.email, "new": new})) == []

    async def test_deletion_waits_for_a_link_that_is_being_used_before_it_locks_the_account(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        """A proof locks its link and then the account: the other order would deadlock."""
        user = await user_client.join()
        async with database.transaction() as proof:
            link = text("SELECT 1 FROM email_links WHERE user_id = :user_id FOR UPDATE")
            await proof.execute(link, {"user_id": user.user_id})
            deletion = asyncio.ensure_future(delete(ledger, user))
            await eventually(lambda: database.fetch_all(WAITING))
            account = text("SELECT 1 FROM users WHERE user_id = :user_id FOR UPDATE NOWAIT")
            await proof.execute(account, {"user_id": user.user_id})
        assert (await deletion).status_code == 200

    async def test_logins_end_and_the_account_is_unknown(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        user, unknown = await user_client.join(), UserClient.new_facts()["email"]
        assert (await delete(ledger, user)).status_code == 200

        refused, unknown_refused = await user_client.log_in(user.email), await user_client.log_in(unknown)

        assert (refused.status_code, refused.json()["message"]) == (401, unknown_refused.json()["message"])
        assert (await user_client.refresh(user.refresh_token)).status_code == 401
        for path in (f"/internal/users/{user.user_id}", f"/internal/personal-data/{user.user_id}/holdings"):
            assert code_of(await ledger.http.get(path)) == "USER_NOT_FOUND"
        looked_up = await ledger.http.post("/internal/users/lookup", json={"user_ids": [str(user.user_id)]})
        assert looked_up.json()["data"] == []
        revoked = await ledger.http.get("/internal/sessions/revoked")
        session = await database.fetch_one(
            text("SELECT session_id FROM sessions WHERE user_id = :user_id"), {"user_id": user.user_id}
        )
        assert session is not None
        assert str(session["session_id"]) in {one["session_id"] for one in revoked.json()["data"]}

    async def test_address_and_phone_are_free_for_a_new_account(
        self, user_client: UserClient, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        await delete(ledger, user)

        again = await user_client.register(email=user.email, phone=user.phone, password=PASSWORD)

        assert again.status_code == 201, again.text
        user_id = again.json()["data"]["user_id"]
        assert user_id != str(user.user_id)
        assert (await user_client.verify(user_id)).status_code == 200

    async def test_is_reported_to_the_trail_and_to_other_services(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        user = await user_client.join()
        await ledger.top_up(user.user_id, "5.00")
        await delete(ledger, user, forfeits=True)

        (action,) = await reported(database, user.user_id)

        assert (action["action"], action["actor_user_id"]) == ("user.delete", str(user.user_id))
        assert action["before"] == {"credits": "5.00", "tickets": 2}
        assert (await outbox_of(database, str(user.user_id))).count("user.deleted") == 1

    async def test_wrong_password_changes_nothing(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        user = await user_client.join()
        refused = await delete(ledger, user, password="wrong " + PASSWORD)
        assert (refused.status_code, code_of(refused)) == (403, "PASSWORD_INVALID")
        assert (await row_of(database, user.user_id))["deleted_at"] is None

    async def test_role_must_be_given_back_first(
        self, user_client: UserClient, ledger: LedgerCaller, account_emails: AccountEmails, database: Database
    ) -> None:
        """So the last admin cannot vanish."""
        user = await user_client.join()
        await account_emails.prove(user_client, user)
        await AccountRepository(database).grant(email=user.email, role="admin")
        refused = await delete(ledger, user, forfeits=True)
        assert (code_of(refused), refused.json()["details"]) == ("ACCOUNT_IN_USE", {"roles": ["admin"]})

    async def test_deleted_account_gets_no_role_session_or_code(
        self, user_client: UserClient, ledger: LedgerCaller, admin: LoggedInUser, database: Database
    ) -> None:
        user = await user_client.join()
        await delete(ledger, user)
        changed = await user_client.http.patch(
            f"/api/admin/users/{user.user_id}", json={"roles": ["staff"]}, headers=admin.headers
        )
        assert code_of(changed) == "USER_NOT_FOUND"
        sessions = SessionRepository(database, repeat_seconds=30, refreshes_per_minute=60)
        opened = await sessions.open(
            session_id=uuid.uuid4(),
            user_id=user.user_id,
            password_hash=None,
            access_expires_at=datetime.now(UTC),
            refresh=RefreshToken("unused", datetime.now(UTC)),
            origin=Origin("Firefox", "2001:db8::/64"),
        )
        assert opened is None
        claim = {"user_id": str(user.user_id), "context": "transfer", "reference": str(uuid.uuid4())}
        asked = {"requested_by_user_id": str(admin.user_id), "address": "2001:db8::1"}
        sent = await ledger.post("/internal/otp/send", **claim, **asked)
        assert code_of(sent) == "USER_NOT_FOUND", sent.text


class TestCredits:
    async def test_are_refused_unless_forfeited(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user, before = await user_client.join(), await ledger.sum_of("platform", "forfeited")
        await ledger.top_up(user.user_id, "12.50")

        refused = await delete(ledger, user)
        deleted = await delete(ledger, user, forfeits=True)

        assert (refused.status_code, code_of(refused)) == (409, "ACCOUNT_IN_USE")
        assert refused.json()["details"] == {"credits": "12.50"}
        assert deleted.json()["data"] == {"credits_forfeited": "12.50"}
        assert await ledger.sum_of("wallet", user.user_id) == 0
        assert await ledger.sum_of("platform", "forfeited") == before + Decimal("12.50")

    async def test_escrow_and_debt_cannot_be_forfeited(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        holder, debtor = await user_client.join(), await user_client.join()
        await ledger.top_up(holder.user_id, "10.00")
        (await ledger.hold(holder.user_id, "10.00")).raise_for_status()
        await put_in_debt(ledger, debtor.user_id)

        refusals = [await delete(ledger, user, forfeits=True) for user in (holder, debtor)]

        assert [refused.json()["details"] for refused in refusals] == [{"held": "10.00"}, {"owed": "30.00"}]

    @pytest.mark.parametrize("status", ["WAITING", "CONFIRMING", "PARTIALLY_PAID"])
    async def test_open_payment_cannot_be_forfeited(
        self, ledger: LedgerCaller, user_client: UserClient, status: str
    ) -> None:
        user = await user_client.join()
        payment = PaymentCaller(ledger, user.user_id, provider="nowpayments")
        (await payment.open()).raise_for_status()
        (await payment.attach()).raise_for_status()
        opened = await delete(ledger, user, forfeits=True)
        assert await payment.outcome(status, paid_amount="1.00") == "NOTED"

        refused = await delete(ledger, user, forfeits=True)

        assert [answer.json()["details"] for answer in (opened, refused)] == [{"payments": 1}] * 2
        holdings = (await ledger.http.get(f"/internal/personal-data/{user.user_id}/holdings")).json()["data"]
        assert holdings["payments"] == 1

    @pytest.mark.parametrize("provider", ["nowpayments", "stripe"])
    async def test_payment_that_has_ended_or_expired_is_no_obstacle(
        self, ledger: LedgerCaller, user_client: UserClient, database: Database, provider: str
    ) -> None:
        user = await user_client.join()
        expired, failed = [PaymentCaller(ledger, user.user_id, provider=provider) for _ in range(2)]
        for payment in (expired, failed):
            (await payment.open()).raise_for_status()
            (await payment.attach()).raise_for_status()
        assert await failed.outcome("FAILED") == "NOTED"
        aged = text(
            "UPDATE payments SET created_at = created_at - interval '25 hours', "
            "expires_at = CASE provider WHEN 'nowpayments' THEN now() END WHERE payment_id = :payment_id"
        )
        await database.execute(aged, {"payment_id": expired.payment_id})

        assert (await delete(ledger, user)).status_code == 200

    async def test_concurrent_payment_and_deletion_have_one_winner(
        self, ledger: LedgerCaller, user_client: UserClient, database: Database
    ) -> None:
        user = await user_client.join()
        payment = PaymentCaller(ledger, user.user_id)

        deleted, opened = await asyncio.gather(delete(ledger, user), payment.open())

        is_deleted = (await row_of(database, user.user_id))["deleted_at"] is not None
        assert (deleted.status_code, opened.status_code) == ((200, 404) if is_deleted else (409, 200))

    async def test_repeated_and_concurrent_deletions_forfeit_once(
        self, user_client: UserClient, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        await ledger.top_up(user.user_id, "7.00")

        answers = await asyncio.gather(*(delete(ledger, user, forfeits=True) for _ in range(5)))
        answers.append(await delete(ledger, user, forfeits=True))

        forfeited = [answer.json()["data"]["credits_forfeited"] for answer in answers]
        assert sorted(forfeited) == ["0.00"] * 5 + ["7.00"]

    async def test_concurrent_movement_and_deletion_leave_no_credits_behind(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        user = await user_client.join()
        await ledger.top_up(user.user_id, "20.00")

        deleted, held = await asyncio.gather(delete(ledger, user, forfeits=True), ledger.hold(user.user_id, "20.00"))

        is_deleted = (await row_of(database, user.user_id))["deleted_at"] is not None
        assert (deleted.status_code, held.status_code) == ((200, 402) if is_deleted else (409, 200))

    async def test_later_refund_reaches_the_books(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user, charge_id = await user_client.join(), uuid.uuid4()
        await ledger.top_up(user.user_id, "9.00")
        (await ledger.charge(user.user_id, "9.00", request_id=charge_id)).raise_for_status()
        assert (await delete(ledger, user)).status_code == 200

        (await ledger.refund(charge_id)).raise_for_status()

        assert await ledger.sum_of("wallet", user.user_id) == 9


class TestExport:
    async def test_profile_and_sessions_without_secrets(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()
        path = f"/internal/personal-data/{user.user_id}"

        profile = (await ledger.http.post(f"{path}/export")).json()["data"]
        sessions = (await ledger.http.get(f"{path}/sessions")).json()["data"]["items"]

        assert (profile["email"], profile["phone"], profile["roles"]) == (user.email, user.phone, ["customer"])
        assert "password_hash" not in profile
        assert len(sessions) == 1
        assert {"session_id", "created_at"} <= sessions[0].keys()

    async def test_statement_is_complete_over_all_parts(
        self, user_client: UserClient, ledger: LedgerCaller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("users.personal_data.service.PAGE", 2)
        user, path = await user_client.join(), "/internal/personal-data"
        for amount in ("1.00", "2.00", "3.00"):
            await ledger.top_up(user.user_id, amount)

        amounts, after = [], None
        while True:
            query: dict[str, str] = {} if after is None else {"after": after}
            part = (await ledger.http.get(f"{path}/{user.user_id}/credits", params=query)).json()["data"]
            amounts += [entry["amount"] for entry in part["items"]]
            if (after := part["next"]) is None:
                break

        assert amounts == ["3.00", "2.00", "1.00"]

    async def test_unreadable_payment_ends_no_section(
        self, ledger: LedgerCaller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("users.personal_data.service.PAGE", 2)
        first = await new_payment_caller(ledger)
        payments = [first, *(PaymentCaller(ledger, first.user_id) for _ in range(3))]
        for payment in payments[1:]:
            (await payment.open()).raise_for_status()
        spoil = text("UPDATE payments SET details = '[]' WHERE payment_id = :payment_id")
        await database.execute(spoil, {"payment_id": payments[2].payment_id})

        path = f"/internal/personal-data/{first.user_id}/payments"
        newest = (await ledger.http.get(path)).json()["data"]
        rest = (await ledger.http.get(path, params={"after": newest["next"]})).json()["data"]

        listed = [item["payment_id"] for part in (newest, rest) for item in part["items"]]
        assert listed == [str(payments[number].payment_id) for number in (3, 1, 0)]

    async def test_sixth_export_within_the_hour_is_refused(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()
        path = f"/internal/personal-data/{user.user_id}/export"
        answers = [await ledger.http.post(path) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]

    async def test_users_may_not_call_it(self, user_client: UserClient) -> None:
        user = await user_client.join()
        path = f"/internal/personal-data/{user.user_id}/holdings"
        assert (await user_client.http.get(path, headers=user.headers)).status_code == 401
