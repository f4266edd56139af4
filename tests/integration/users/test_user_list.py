"""Admins list and search users."""

import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import LoggedInUser, UserClient, code_of

RENAME = text("UPDATE users SET name = :name, roles = CAST(:roles AS text[]) WHERE user_id = :user_id")


async def ask(client: UserClient, by: LoggedInUser, **params: Any) -> httpx.Response:
    return await client.http.get("/api/admin/users", headers=by.headers, params=params)


async def found(client: UserClient, by: LoggedInUser, **params: Any) -> list[str]:
    return [user["user_id"] for user in (await ask(client, by, **params)).json()["data"]]


async def test_newest_users_come_first_with_the_number_of_all(
    user_client: UserClient, admin: LoggedInUser, database: Database
) -> None:
    users = [str((await user_client.join()).user_id) for _ in range(3)]

    first, second = [(await ask(user_client, admin, per_page=2, page=page)).json() for page in (1, 2)]

    row = await database.fetch_one(text("SELECT count(*) AS total FROM users"))
    assert row is not None
    assert [user["user_id"] for user in first["data"]] == [users[2], users[1]]
    assert second["data"][0]["user_id"] == users[0]
    assert first["pagination"]["total"] == row["total"]
    assert first["data"][0]["is_suspended"] is False


async def test_search_matches_a_part_of_email_name_or_phone_or_the_id(
    user_client: UserClient, admin: LoggedInUser, database: Database
) -> None:
    user = await user_client.join()
    name = uuid.uuid4().hex
    await database.execute(RENAME, {"user_id": user.user_id, "name": f"Mei {name}", "roles": ["customer"]})
    for q in (user.email.upper(), name[3:].upper(), user.phone[1:], str(user.user_id).upper()):
        assert await found(user_client, admin, q=q) == [str(user.user_id)], q


async def test_user_that_cannot_be_read_does_not_hide_the_others(
    user_client: UserClient, admin: LoggedInUser, database: Database
) -> None:
    odd, name = await user_client.join(), uuid.uuid4().hex
    users = [odd, await user_client.join()]
    for user in users:
        await database.execute(RENAME, {"user_id": user.user_id, "name": name, "roles": ["customer"]})
    await database.execute(text("UPDATE users SET phone = NULL WHERE user_id = :user_id"), {"user_id": odd.user_id})
    assert await found(user_client, admin, q=name) == [str(users[1].user_id)]


@pytest.mark.parametrize("q", ["%", "_", "fan%example", "nobody at all"])
async def test_search_takes_wildcards_literally(user_client: UserClient, admin: LoggedInUser, q: str) -> None:
    assert await found(user_client, admin, q=q) == []


async def test_role_and_search_exclude_other_users(
    user_client: UserClient, admin: LoggedInUser, database: Database
) -> None:
    fan, staff = await user_client.join(), await user_client.join()
    name = uuid.uuid4().hex
    for user, roles in ((fan, ["customer"]), (staff, ["customer", "staff"])):
        await database.execute(RENAME, {"user_id": user.user_id, "name": name, "roles": roles})
    assert await found(user_client, admin, q=name, role="staff") == [str(staff.user_id)]
    assert set(await found(user_client, admin, q=name)) == {str(fan.user_id), str(staff.user_id)}


@pytest.mark.parametrize("params", [{"role": "king"}, {"q": "x" * 101}, {"q": "\x00"}, {"per_page": 101}])
async def test_invalid_parameter_is_400(user_client: UserClient, admin: LoggedInUser, params: dict[str, Any]) -> None:
    answer = await ask(user_client, admin, **params)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


async def test_list_is_for_admins_only(user_client: UserClient) -> None:
    answer = await ask(user_client, await user_client.join())
    assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")
