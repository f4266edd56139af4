"""The seeded users of development and tests."""

from dataclasses import dataclass

from pydantic import SecretStr

from devstack.seed import PASSWORD, USERS, seed
from tests.integration.users.user_client import UserClient
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.serving import serving
from users.app import create_app
from users.settings import Settings


@dataclass(frozen=True)
class Urls:
    databases: dict[str, str]


async def test_seeded_users_have_names_and_credits_and_staff_a_hall(
    database_url: DatabaseFactory, settings: Settings
) -> None:
    urls = Urls({package: database_url(package) for package in ("users", "events", "inventory")})
    for _ in range(2):
        await seed(urls)

    seeded = settings.model_copy(update={"database_url": SecretStr(urls.databases["users"])})
    async with serving(create_app(seeded), seeded) as url, http_client(url) as http:
        profiles = [await _profile(UserClient(http), user.email) for user in USERS]

    assert all(profile["name"] for profile in profiles)
    assert {profile["email"]: profile["credit_balance"] for profile in profiles[:2]} == {
        "user1@example.com": "1000.00",
        "user2@example.com": "500.00",
    }
    assert [profile["email"] for profile in profiles if profile["is_flagged"]] == ["user2@example.com"]
    assert {profile["email"]: profile["assigned_hall_id"] for profile in profiles if profile["assigned_hall_id"]} == {
        "staff@example.com": "HALL-A"
    }


async def _profile(user_client: UserClient, email: str) -> dict[str, object]:
    tokens = (await user_client.log_in(email, PASSWORD)).json()["data"]
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    answer = await user_client.http.get(f"/api/users/{tokens['user']['user_id']}", headers=headers)
    profile: dict[str, object] = answer.json()["data"]
    return profile
