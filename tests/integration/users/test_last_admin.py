"""At least one admin can always log in."""

import asyncio

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import LoggedInUser, UserClient, code_of
from tests.support.waiting import eventually

DEMOTE_OTHERS = text("UPDATE users SET roles = '{customer}' WHERE roles @> '{admin}' AND user_id <> :user_id")
MAKE_ADMIN = text("UPDATE users SET roles = '{admin}' WHERE user_id = :user_id")
ADMINS = text("SELECT user_id FROM users WHERE roles @> '{admin}' AND suspended_at IS NULL")
LOCK_ADMINS = text("SELECT user_id FROM users WHERE roles @> '{admin}' ORDER BY user_id FOR UPDATE")
WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")

DEMOTION: dict[str, object] = {"roles": ["customer"]}
SUSPENSION: dict[str, object] = {"is_suspended": True}


@pytest.fixture
async def only_admin(admin: LoggedInUser, database: Database) -> LoggedInUser:
    await database.execute(DEMOTE_OTHERS, {"user_id": admin.user_id})
    return admin


@pytest.fixture
async def second_admin(only_admin: LoggedInUser, user_client: UserClient, database: Database) -> LoggedInUser:  # noqa: ARG001 - it comes first
    user = await user_client.join()
    await database.execute(MAKE_ADMIN, {"user_id": user.user_id})
    data = (await user_client.log_in(user.email)).json()["data"]
    return LoggedInUser(user.user_id, user.email, user.phone, data["access_token"], data["refresh_token"])


async def change(client: UserClient, by: LoggedInUser, whom: LoggedInUser, body: dict[str, object]) -> tuple[int, str]:
    answer = await client.http.patch(f"/api/admin/users/{whom.user_id}", headers=by.headers, json=body)
    return answer.status_code, code_of(answer)


@pytest.mark.parametrize("body", [DEMOTION, SUSPENSION, {"roles": ["admin"], "is_suspended": True}])
async def test_last_admin_stays(
    user_client: UserClient, only_admin: LoggedInUser, database: Database, body: dict[str, object]
) -> None:
    assert await change(user_client, only_admin, only_admin, body) == (409, "LAST_ADMIN")
    assert [row["user_id"] for row in await database.fetch_all(ADMINS)] == [only_admin.user_id]
    assert (await user_client.refresh(only_admin.refresh_token)).status_code == 200


@pytest.mark.parametrize("body", [DEMOTION, SUSPENSION])
async def test_one_of_two_admins_may_go(
    user_client: UserClient, only_admin: LoggedInUser, second_admin: LoggedInUser, body: dict[str, object]
) -> None:
    assert await change(user_client, only_admin, only_admin, body) == (200, "")
    assert await change(user_client, second_admin, second_admin, body) == (409, "LAST_ADMIN")


@pytest.mark.parametrize("state", ["suspended_at = now()", "is_verified = false"])
async def test_admin_who_cannot_log_in_does_not_count(
    *, user_client: UserClient, only_admin: LoggedInUser, second_admin: LoggedInUser, database: Database, state: str
) -> None:
    key = {"user_id": second_admin.user_id}
    await database.execute(text(f"UPDATE users SET {state} WHERE user_id = :user_id"), key)  # noqa: S608 - a constant
    assert await change(user_client, only_admin, only_admin, DEMOTION) == (409, "LAST_ADMIN")


async def test_last_admin_may_be_flagged_and_keeps_the_role_in_another_set(
    user_client: UserClient, only_admin: LoggedInUser
) -> None:
    """A flagged admin logs in as before."""
    body = {"is_flagged": True, "roles": ["admin", "staff"], "is_suspended": False}
    assert await change(user_client, only_admin, only_admin, body) == (200, "")


@pytest.mark.parametrize("body", [DEMOTION, SUSPENSION])
async def test_one_of_two_admins_who_demote_each_other_at_once_stays(
    *,
    user_client: UserClient,
    only_admin: LoggedInUser,
    second_admin: LoggedInUser,
    database: Database,
    body: dict[str, object],
) -> None:
    async def both_wait() -> bool:
        return len(await database.fetch_all(WAITING)) == 2

    async with database.transaction() as holder:
        await holder.execute(LOCK_ADMINS)
        changes = [
            asyncio.ensure_future(change(user_client, only_admin, second_admin, body)),
            asyncio.ensure_future(change(user_client, second_admin, only_admin, body)),
        ]
        await eventually(both_wait)

    assert sorted(await asyncio.gather(*changes)) == [(200, ""), (409, "LAST_ADMIN")]
    assert len(await database.fetch_all(ADMINS)) == 1
