"""Who may read and change which profile."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of
from tests.support.waiting import eventually
from users.settings import Settings

VENUE_ID = str(uuid.uuid4())
_SET_ROLES = text("UPDATE users SET roles = CAST(:roles AS text[]) WHERE user_id = :user_id")
_ROLES = text("SELECT roles FROM users WHERE user_id = :user_id")
_LOCK_SESSIONS = text("SELECT 1 FROM sessions WHERE user_id = :user_id FOR UPDATE")
_WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def _waits_or_is_done(database: Database, call: "asyncio.Future[Any]") -> bool:
    return call.done() or bool(await database.fetch_all(_WAITING))


class TestProfile:
    async def test_user_reads_their_own(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()
        await ledger.top_up(user.user_id, "12.50")

        answer = await user_client.http.get(f"/api/users/{user.user_id}", headers=user.headers)

        profile = answer.json()["data"]
        assert datetime.fromisoformat(profile.pop("created_at")) <= datetime.now(UTC)
        assert profile == {
            "user_id": str(user.user_id),
            "email": user.email,
            "is_email_verified": False,
            "new_email": None,
            "phone": user.phone,
            "credit_balance": "12.50",
            "loyalty_points": 0,
            "name": "",
            "roles": ["customer"],
            "is_verified": True,
            "is_flagged": False,
            "is_suspended": False,
            "assigned_hall_id": None,
            "assigned_venue_id": None,
        }

    async def test_other_user_is_403_whether_they_exist_or_not(self, user_client: UserClient) -> None:
        user, other = await user_client.join(), await user_client.join()
        for user_id in (other.user_id, uuid.uuid4()):
            answer = await user_client.http.get(f"/api/users/{user_id}", headers=user.headers)
            assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")

    async def test_admin_reads_any_profile(self, user_client: UserClient, admin: LoggedInUser) -> None:
        user = await user_client.join()
        known = await user_client.http.get(f"/api/users/{user.user_id}", headers=admin.headers)
        unknown = await user_client.http.get(f"/api/users/{uuid.uuid4()}", headers=admin.headers)
        assert known.json()["data"]["email"] == user.email
        assert (unknown.status_code, code_of(unknown)) == (404, "USER_NOT_FOUND")

    async def test_needs_a_token_and_an_id(self, user_client: UserClient) -> None:
        user = await user_client.join()
        anonymous = await user_client.http.get(f"/api/users/{user.user_id}")
        nothing = await user_client.http.get("/api/users/myself", headers=user.headers)
        assert (anonymous.status_code, code_of(anonymous)) == (401, "UNAUTHORIZED")
        assert (nothing.status_code, code_of(nothing)) == (400, "INVALID_UUID")


class TestBalance:
    async def test_user_reads_their_own(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()
        await ledger.top_up(user.user_id, "12.50")
        answer = await user_client.http.get("/api/credits/balance", headers=user.headers)
        assert answer.json()["data"] == {"credit_balance": "12.50", "owed": "0.00", "currency": "SGD"}

    async def test_needs_a_token(self, user_client: UserClient) -> None:
        assert (await user_client.http.get("/api/credits/balance")).status_code == 401


class TestAdminChange:
    async def change(
        self, user_client: UserClient, by: LoggedInUser, user_id: object, **body: object
    ) -> tuple[int, str]:
        answer = await user_client.http.patch(f"/api/admin/users/{user_id}", headers=by.headers, json=body)
        return answer.status_code, code_of(answer)

    async def test_flagging_changes_nothing_else(self, user_client: UserClient, admin: LoggedInUser) -> None:
        user = await user_client.join()

        answer = await user_client.http.patch(
            f"/api/admin/users/{user.user_id}", headers=admin.headers, json={"is_flagged": True}
        )

        assert answer.json()["data"]["is_flagged"] is True
        assert answer.json()["data"]["roles"] == ["customer"]
        assert (await user_client.refresh(user.refresh_token)).status_code == 200

    async def test_a_new_role_is_in_the_next_token(self, user_client: UserClient, admin: LoggedInUser) -> None:
        user = await user_client.join()
        await self.change(user_client, admin, user.user_id, roles=["customer", "staff"])
        assert (await user_client.refresh(user.refresh_token)).status_code == 200
        assert (await user_client.log_in(user.email)).json()["data"]["user"]["roles"] == ["customer", "staff"]

    async def test_losing_a_role_ends_the_sessions(
        self, user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]
        await self.change(user_client, admin, user.user_id, roles=["customer", "staff"])
        before = len((await ledger.http.get("/internal/sessions/revoked")).json()["data"])

        assert (await self.change(user_client, admin, user.user_id, roles=["customer"]))[0] == 200

        for token in (user.refresh_token, elsewhere["refresh_token"]):
            assert (await user_client.refresh(token)).status_code == 401
        assert len((await ledger.http.get("/internal/sessions/revoked")).json()["data"]) == before + 2
        assert (await user_client.log_in(user.email)).status_code == 200

    async def test_login_during_the_change_has_the_new_roles(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        await database.execute(_SET_ROLES, {"user_id": user.user_id, "roles": ["customer", "staff"]})
        async with database.transaction() as change:
            await change.execute(_SET_ROLES, {"user_id": user.user_id, "roles": ["customer"]})
            login = asyncio.ensure_future(user_client.log_in(user.email))
            await eventually(lambda: _waits_or_is_done(database, login))

        data = (await login).json()["data"]

        claims = jwt.decode(data["access_token"], options={"verify_signature": False})
        assert (claims["roles"], data["user"]["roles"]) == (["customer"], ["customer"])

    async def test_role_and_its_sessions_end_together(
        self, user_client: UserClient, admin: LoggedInUser, database: Database
    ) -> None:
        user = await user_client.join()
        await database.execute(_SET_ROLES, {"user_id": user.user_id, "roles": ["customer", "staff"]})
        async with database.transaction() as holder:
            await holder.execute(_LOCK_SESSIONS, {"user_id": user.user_id})
            changing = asyncio.ensure_future(self.change(user_client, admin, user.user_id, roles=["customer"]))
            await eventually(lambda: _waits_or_is_done(database, changing))
            meanwhile = await database.fetch_one(_ROLES, {"user_id": user.user_id})

        assert await changing == (200, "")
        assert meanwhile == {"roles": ["customer", "staff"]}
        assert await database.fetch_one(_ROLES, {"user_id": user.user_id}) == {"roles": ["customer"]}
        assert (await user_client.refresh(user.refresh_token)).status_code == 401

    async def test_hall_is_assigned_and_removed(
        self, user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        places = []
        for body in (
            {"assigned_hall_id": " HALL-A ", "assigned_venue_id": VENUE_ID},
            {"is_flagged": False},
            {"assigned_hall_id": "HALL-B"},
            {"assigned_hall_id": None},
        ):
            assert await self.change(user_client, admin, user.user_id, **body) == (200, "")
            seen = (await ledger.http.get(f"/internal/users/{user.user_id}")).json()["data"]
            places.append((seen["assigned_hall_id"], seen["assigned_venue_id"]))
        assert places == [("HALL-A", VENUE_ID), ("HALL-A", VENUE_ID), ("HALL-B", None), (None, None)]

    async def test_change_is_for_admins_only(self, user_client: UserClient) -> None:
        user = await user_client.join()
        assert await self.change(user_client, user, user.user_id, roles=["admin"]) == (403, "FORBIDDEN")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"roles": []},
            {"roles": ["king"]},
            {"roles": ["staff", "staff"]},
            {"is_flagged": "perhaps"},
            {"is_suspended": "perhaps"},
            {"assigned_hall_id": ""},
            {"assigned_hall_id": "x" * 101},
            {"assigned_hall_id": "a\x00"},
            {"assigned_venue_id": VENUE_ID},
            {"assigned_hall_id": None, "assigned_venue_id": VENUE_ID},
        ],
    )
    async def test_invalid_request_is_400(
        self, user_client: UserClient, admin: LoggedInUser, body: dict[str, object]
    ) -> None:
        assert await self.change(user_client, admin, admin.user_id, **body) == (400, "VALIDATION_ERROR")

    async def test_change_of_an_unknown_user_is_404(self, user_client: UserClient, admin: LoggedInUser) -> None:
        assert await self.change(user_client, admin, uuid.uuid4(), is_flagged=True) == (404, "USER_NOT_FOUND")


class TestInternalReads:
    async def test_a_user(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()
        answer = await ledger.http.get(f"/internal/users/{user.user_id}")
        assert answer.json()["data"] == {
            "user_id": str(user.user_id),
            "email": user.email,
            "is_email_verified": False,
            "phone": user.phone,
            "name": "",
            "roles": ["customer"],
            "is_flagged": False,
            "is_verified": True,
            "is_suspended": False,
            "assigned_hall_id": None,
            "assigned_venue_id": None,
            "credit_balance": "0.00",
        }

    async def test_an_unknown_user_is_404(self, ledger: LedgerCaller) -> None:
        answer = await ledger.http.get(f"/internal/users/{uuid.uuid4()}")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_several_users(self, ledger: LedgerCaller) -> None:
        known = {str(await ledger.open_wallet()) for _ in range(3)}
        body = {"user_ids": [*known, str(uuid.uuid4())]}
        answer = await ledger.http.post("/internal/users/lookup", json=body)
        assert {user["user_id"] for user in answer.json()["data"]} == known

    async def test_email_lookup_is_case_insensitive(
        self, user_client: UserClient, ledger: LedgerCaller, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        await account_emails.prove(user_client, user)
        known = await ledger.http.post("/internal/users/find", json={"email": user.email.upper()})
        by_id = await ledger.http.get(f"/internal/users/{user.user_id}")
        assert known.json()["data"] == by_id.json()["data"]

    async def test_unknown_email_is_404_and_a_malformed_one_400(self, ledger: LedgerCaller) -> None:
        unknown = await ledger.http.post("/internal/users/find", json={"email": "nobody@example.com"})
        nothing = await ledger.http.post("/internal/users/find", json={"email": "nobody"})
        assert (unknown.status_code, code_of(unknown)) == (404, "USER_NOT_FOUND")
        assert (nothing.status_code, code_of(nothing)) == (400, "VALIDATION_ERROR")

    async def test_hundred_users_at_most(self, ledger: LedgerCaller) -> None:
        body = {"user_ids": [str(uuid.uuid4()) for _ in range(101)]}
        answer = await ledger.http.post("/internal/users/lookup", json=body)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


SOMEBODY, SOMETHING = uuid.uuid4(), uuid.uuid4()
INTERNAL = [
    ("POST", "/internal/ledger/deduct"),
    ("POST", "/internal/ledger/refund"),
    ("POST", "/internal/ledger/refund-part"),
    ("POST", "/internal/ledger/transfer"),
    ("POST", "/internal/ledger/clawback"),
    ("GET", f"/internal/ledger/revenue/{SOMEBODY}"),
    ("GET", f"/internal/ledger/spending/{SOMEBODY}"),
    ("POST", "/internal/ledger/escrow/hold"),
    ("POST", "/internal/ledger/escrow/release"),
    ("POST", "/internal/ledger/escrow/pay"),
    ("POST", "/internal/ledger/escrow/collect"),
    ("POST", "/internal/ledger/payouts"),
    ("GET", "/internal/ledger/payouts/due"),
    ("GET", f"/internal/ledger/payouts/{SOMETHING}/items"),
    ("POST", "/internal/ledger/escrow/void"),
    ("POST", "/internal/ledger/top-up"),
    ("POST", "/internal/ledger/points"),
    ("GET", "/internal/payments"),
    ("POST", "/internal/payments"),
    ("POST", "/internal/payments/events"),
    ("GET", f"/internal/payments/{SOMETHING}"),
    ("POST", f"/internal/payments/{SOMETHING}/attach"),
    ("POST", f"/internal/payments/{SOMETHING}/close"),
    ("GET", f"/internal/users/{SOMEBODY}"),
    ("POST", "/internal/users/find"),
    ("POST", "/internal/users/lookup"),
    ("GET", f"/internal/email-links/{SOMETHING}"),
    ("POST", "/internal/otp/send"),
    ("POST", "/internal/otp/withdraw"),
    ("POST", "/internal/otp/verify"),
    ("POST", "/internal/sms"),
    ("GET", "/internal/sessions/revoked"),
    ("GET", f"/internal/personal-data/{SOMEBODY}/holdings"),
    ("GET", f"/internal/personal-data/{SOMEBODY}/sessions"),
    ("POST", f"/internal/personal-data/{SOMEBODY}/export"),
    ("POST", "/internal/personal-data/delete"),
]


@pytest.mark.parametrize("route", INTERNAL)
async def test_internal_routes_are_for_services(
    user_client: UserClient, admin: LoggedInUser, settings: Settings, route: tuple[str, str]
) -> None:
    elsewhere = ServiceTokens(service="orchestrator", secret=settings.service_token_secret).issue("orders")

    anonymous = await user_client.http.request(*route, json={})
    a_user = await user_client.http.request(*route, json={}, headers=admin.headers)
    another = await user_client.http.request(*route, json={}, headers={"authorization": f"Bearer {elsewhere}"})

    assert (anonymous.status_code, a_user.status_code, another.status_code) == (401, 401, 403)


async def test_every_internal_route_is_covered(user_client: UserClient) -> None:
    document = (await user_client.http.get("/openapi.json")).json()
    served = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith("/internal")
    }
    assert served == {
        (
            method,
            path.replace(f"revenue/{SOMEBODY}", "revenue/{event_id}")
            .replace(str(SOMEBODY), "{user_id}")
            .replace("{user_id}/sessions", "{user_id}/{section}")
            .replace(f"email-links/{SOMETHING}", "email-links/{link_id}")
            .replace(f"payouts/{SOMETHING}", "payouts/{payout_id}")
            .replace(str(SOMETHING), "{payment_id}"),
        )
        for method, path in INTERNAL
    }
