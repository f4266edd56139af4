"""The whole process: without a broker, and its command line."""

import asyncio
import os
import sys

from pydantic import SecretStr

from common.db.engine import Database
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.user_client import UserClient, outbox_of
from tests.support.http_client import http_client
from tests.support.serving import serving
from users.app import create_app
from users.settings import Settings


async def test_starts_and_works_without_a_broker(settings: Settings, database: Database) -> None:
    elsewhere = settings.model_copy(update={"rabbitmq_url": SecretStr("amqp://guest:guest@127.0.0.1:1/")})
    async with serving(create_app(elsewhere), elsewhere) as url, http_client(url) as http:
        user_client = UserClient(http)
        user = await user_client.join()
        assert (await user_client.log_out(user)).status_code == 200

        health = await http.get("/health")

    assert health.status_code == 200
    assert health.json() == {"status": "healthy", "checks": {"database": "ok", "broker": "degraded"}}
    assert await outbox_of(database, str(user.user_id)) == ["user.registered"]


async def test_without_its_database_it_is_unhealthy_and_answers_503(settings: Settings) -> None:
    elsewhere = settings.model_copy(
        update={"database_url": SecretStr("postgresql+asyncpg://nobody:x@127.0.0.1:1/nothing")}
    )
    async with serving(create_app(elsewhere), elsewhere) as url, http_client(url) as http:
        health, alive, login = (
            await http.get("/health"),
            await http.get("/livez"),
            await http.post("/api/auth/login", json={"email": "a@example.com", "password": "x"}),
        )

    assert (health.status_code, health.json()["checks"]["database"]) == (503, "failed")
    assert alive.status_code == 200
    assert (login.status_code, login.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")


async def _command(settings: Settings, *arguments: str) -> tuple[int, str]:
    env = os.environ | {"DATABASE_URL": settings.database_url.get_secret_value()}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "users", *arguments, env=env, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    return process.returncode or 0, (out + err).decode()


async def test_first_admin_is_created_on_the_command_line(
    user_client: UserClient, settings: Settings, account_emails: AccountEmails
) -> None:
    user = await user_client.join()

    unproven = await _command(settings, "grant", user.email, "admin")
    await account_emails.prove(user_client, user)
    done = await _command(settings, "grant", user.email.upper(), "admin")
    unknown = await _command(settings, "grant", "nobody@example.com", "admin")
    nonsense = await _command(settings, "grant", user.email, "king")

    assert (unproven[0], done[0], unknown[0], nonsense[0]) == (1, 0, 1, 1)
    assert "no verified user who has proven" in unknown[1]
    assert "usage: python -m users" in nonsense[1]
    assert (await user_client.log_in(user.email)).json()["data"]["user"]["roles"] == ["admin", "customer"]
