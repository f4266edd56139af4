"""A suspended user neither logs in nor spends; what others owe them still arrives (W1)."""

import asyncio
import uuid
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.test_flagged_users import EACH_SPENDING, Spend, prove
from tests.integration.users.test_sessions import revoked_sessions, session_of
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of
from tests.support.waiting import eventually

SUSPEND = text("UPDATE users SET suspended_at = now() WHERE user_id = :user_id")
REINSTATE = text("UPDATE users SET suspended_at = NULL WHERE user_id = :user_id")
WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code_of(answer)


async def suspend(client: UserClient, admin: LoggedInUser, user: LoggedInUser, *, is_suspended: bool = True) -> None:
    body = {"is_suspended": is_suspended}
    answer = await client.http.patch(f"/api/admin/users/{user.user_id}", headers=admin.headers, json=body)
    assert answer.json()["data"]["is_suspended"] is is_suspended


class TestLogins:
    async def test_suspension_ends_every_session(
        self, user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
    ) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]

        await suspend(user_client, admin, user)

        ended = await revoked_sessions(ledger)
        assert {session_of(user.access_token), session_of(elsewhere["access_token"])} <= set(ended)
        for token in (user.refresh_token, elsewhere["refresh_token"]):
            assert refusal(await user_client.refresh(token)) == (403, "ACCOUNT_SUSPENDED")

    async def test_only_the_right_password_tells_of_the_suspension(
        self, user_client: UserClient, admin: LoggedInUser
    ) -> None:
        user = await user_client.join()
        await suspend(user_client, admin, user)
        assert refusal(await user_client.log_in(user.email)) == (403, "ACCOUNT_SUSPENDED")
        assert refusal(await user_client.log_in(user.email, "guess")) == (401, "UNAUTHORIZED")

    async def test_end_of_the_suspension_lets_the_user_log_in_again(
        self, user_client: UserClient, admin: LoggedInUser
    ) -> None:
        user = await user_client.join()
        await suspend(user_client, admin, user)
        await suspend(user_client, admin, user, is_suspended=False)
        assert (await user_client.log_in(user.email)).status_code == 200
        assert (await user_client.refresh(user.refresh_token)).status_code == 401

    async def test_another_change_keeps_the_suspension(self, user_client: UserClient, admin: LoggedInUser) -> None:
        user = await user_client.join()
        await suspend(user_client, admin, user)
        body = {"is_flagged": True}
        await user_client.http.patch(f"/api/admin/users/{user.user_id}", headers=admin.headers, json=body)
        assert refusal(await user_client.log_in(user.email)) == (403, "ACCOUNT_SUSPENDED")

    async def test_login_during_the_suspension_is_refused(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        async with database.transaction() as change:
            await change.execute(SUSPEND, {"user_id": user.user_id})
            login = asyncio.ensure_future(user_client.log_in(user.email))
            await eventually(lambda: database.fetch_all(WAITING))
        assert refusal(await login) == (403, "ACCOUNT_SUSPENDED")


class TestSpending:
    @pytest.fixture
    async def suspended(self, ledger: LedgerCaller) -> uuid.UUID:
        user_id = await ledger.open_wallet("100.00")
        await ledger.database.execute(SUSPEND, {"user_id": user_id})
        return user_id

    @EACH_SPENDING
    async def test_each_movement_that_spends_is_refused_and_the_refusal_is_stored(
        self, ledger: LedgerCaller, suspended: uuid.UUID, spend: Spend
    ) -> None:
        friend, first = await ledger.open_wallet(), {"request_id": uuid.uuid4()}

        refused = await spend(ledger, suspended, friend, **first)
        await ledger.database.execute(REINSTATE, {"user_id": suspended})
        repeated = await spend(ledger, suspended, friend, **first)
        done = await spend(ledger, suspended, friend)

        assert [refusal(refused), refusal(repeated)] == [(403, "ACCOUNT_SUSPENDED")] * 2
        assert refused.headers["x-refusal-remembered"] == "true"
        assert done.status_code == 200
        assert await ledger.wallet_of(suspended) == Decimal(99)
        assert await ledger.invariant_violations() == []

    @EACH_SPENDING
    async def test_verified_code_of_a_flagged_user_does_not_help(
        self, ledger: LedgerCaller, suspended: uuid.UUID, spend: Spend
    ) -> None:
        friend, reference = await ledger.open_wallet(), str(uuid.uuid4())
        await ledger.flag(suspended)
        await prove(ledger, suspended, reference)
        assert refusal(await spend(ledger, suspended, friend, reference=reference)) == (403, "ACCOUNT_SUSPENDED")

    async def test_credits_arrive_and_undos_work(self, ledger: LedgerCaller) -> None:
        user_id, friend = await ledger.open_wallet("100.00"), await ledger.open_wallet("10.00")
        charge_id, hold_id = uuid.uuid4(), uuid.uuid4()
        await ledger.charge(user_id, "5.00", request_id=charge_id)
        await ledger.hold(user_id, "5.00", request_id=hold_id)
        sale = (await ledger.hold(friend, "2.00")).json()["data"]["escrow_id"]
        await ledger.database.execute(SUSPEND, {"user_id": user_id})

        answers = [
            await ledger.top_up(user_id, "1.00"),
            await ledger.transfer(friend, user_id, "1.00"),
            await ledger.release(sale, user_id),
            await ledger.refund(charge_id),
            await ledger.void(undoes_request_id=hold_id),
        ]

        assert {answer.status_code for answer in answers} == {200}
        assert await ledger.wallet_of(user_id) == Decimal(104)
        assert await ledger.invariant_violations() == []
