"""Users, the orchestrator and its worker, each behind a real server, with the sandbox as every provider."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from devstack.sandbox.app import create_app as create_sandbox
from devstack.sandbox.settings import Settings as SandboxSettings
from orchestrator.app import create_app as create_orchestrator
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.integration.users.people import Person, UserDirectory
from tests.integration.webhooks.webhook_fixtures import Counters, Fan
from tests.support.http_client import http_client
from tests.support.nowhere import NO_OTHER_SERVICES, NOWHERE_URL
from tests.support.servers import DatabaseFactory
from tests.support.serving import serving
from users.app import create_app as create_users
from users.settings import Settings as UsersSettings

NewFan = Callable[[], Awaitable[Fan]]


@dataclass(frozen=True)
class Outside:
    """The sandbox, as every provider and as the mail server that takes the notifications of credited payments."""

    url: str
    smtp_url: str


@pytest.fixture(scope="module")
async def outside() -> AsyncIterator[Outside]:
    settings = SandboxSettings(env="test", smtp_port=0, users_url=NOWHERE_URL, gateway_url=NOWHERE_URL)
    app = create_sandbox(settings)
    async with serving(app, settings) as url:
        yield Outside(url, f"smtp://127.0.0.1:{app.state.mail_server.port}")


@pytest.fixture(scope="module")
def sandbox_url(outside: Outside) -> str:
    return outside.url


@pytest.fixture(scope="module")
async def users_settings(database_url: DatabaseFactory, rabbitmq_url: str, sandbox_url: str) -> UsersSettings:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return UsersSettings(
        env="test",
        database_url=SecretStr(database_url("users")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        jwt_private_key=SecretStr(key.decode()),
        otp_api_url=sandbox_url,
    )


@pytest.fixture(scope="module")
async def users_url(users_settings: UsersSettings) -> AsyncIterator[str]:
    async with serving(create_users(users_settings), users_settings) as url:
        yield url


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, rabbitmq_url: str, users_url: str, outside: Outside) -> WorkerSettings:
    return WorkerSettings(
        env="test",
        database_url=SecretStr(database_url("orchestrator")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        qr_keys=SecretStr("k1:" + "A" * 43),
        **NO_OTHER_SERVICES
        | {
            "users_url": users_url,
            "jwks_url": f"{users_url}/.well-known/jwks.json",
            "stripe_api_url": outside.url,
            "nowpayments_api_url": outside.url,
            "smtp_url": outside.smtp_url,
        },
        job_retry_seconds="0.1",
        outbox_poll_seconds=0.2,
        shutdown_grace_seconds=1,
    )


@pytest.fixture(scope="module")
async def orchestrator_url(settings: WorkerSettings) -> AsyncIterator[str]:
    async with serving(create_orchestrator(settings), settings) as url:
        yield url


@pytest.fixture(scope="module")
async def opened(
    settings: WorkerSettings, users_settings: UsersSettings, orchestrator_url: str, sandbox_url: str
) -> AsyncIterator[Counters]:
    database = Database(settings, application_name="tests")
    users_database = Database(users_settings, application_name="tests")
    async with (
        http_client(orchestrator_url) as http,
        http_client(sandbox_url) as sandbox,
    ):
        yield Counters(http, sandbox, database, users_database, settings)
    await database.close()
    await users_database.close()


@pytest.fixture
async def counters(opened: Counters) -> AsyncIterator[Counters]:
    """Faults that were ordered, and jobs that wait for a try, end with the test."""
    yield opened
    await opened.sandbox.delete("/control/faults")
    await opened.cancel_jobs()


@pytest.fixture(scope="module")
async def working(settings: WorkerSettings) -> AsyncIterator[None]:
    """A worker works on the jobs."""
    async with serving(create_worker(settings), settings):
        yield


@pytest.fixture(scope="module")
async def people(users_url: str) -> AsyncIterator[UserDirectory]:
    async with http_client(users_url) as http:
        yield UserDirectory(http)


@pytest.fixture
async def new_fan(people: UserDirectory, counters: Counters) -> NewFan:
    async def make() -> Fan:
        return Fan(await people.join(), counters.http, people.http)

    return make


@pytest.fixture
async def fan(new_fan: NewFan) -> Fan:
    return await new_fan()


@pytest.fixture
async def admin(people: UserDirectory, counters: Counters) -> Fan:
    person = await people.join()
    await counters.users_database.execute(
        text("UPDATE users SET roles = '{admin,customer}' WHERE user_id = :user_id"), {"user_id": person.user_id}
    )
    data = (await people.log_in(person.email)).json()["data"]
    person = Person(person.user_id, person.email, person.phone, data["access_token"], data["refresh_token"])
    return Fan(person, counters.http, people.http)
