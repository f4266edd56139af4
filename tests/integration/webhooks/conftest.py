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
from tests.integration.users.user_client import LoggedInUser, UserClient
from tests.integration.webhooks.webhook_fixtures import Fan, WebhookHarness
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.serving import serving
from tests.support.unused_addresses import NO_OTHER_SERVICES, UNUSED_URL
from users.app import create_app as create_users
from users.settings import Settings as UsersSettings

NewFan = Callable[[], Awaitable[Fan]]


@dataclass(frozen=True)
class ExternalServices:
    """The sandbox, as every provider and as the mail server for the notifications of credited payments."""

    url: str
    smtp_url: str


@pytest.fixture(scope="module")
async def external_services() -> AsyncIterator[ExternalServices]:
    settings = SandboxSettings(env="test", smtp_port=0, users_url=UNUSED_URL, gateway_url=UNUSED_URL)
    app = create_sandbox(settings)
    async with serving(app, settings) as url:
        yield ExternalServices(url, f"smtp://127.0.0.1:{app.state.mail_server.port}")


@pytest.fixture(scope="module")
def sandbox_url(external_services: ExternalServices) -> str:
    return external_services.url


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
def settings(
    database_url: DatabaseFactory, rabbitmq_url: str, users_url: str, external_services: ExternalServices
) -> WorkerSettings:
    return WorkerSettings(
        env="test",
        database_url=SecretStr(database_url("orchestrator")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        qr_keys=SecretStr("k1:" + "A" * 43),
        **NO_OTHER_SERVICES
        | {
            "users_url": users_url,
            "jwks_url": f"{users_url}/.well-known/jwks.json",
            "stripe_api_url": external_services.url,
            "nowpayments_api_url": external_services.url,
            "supplier_api_url": external_services.url,
            "smtp_url": external_services.smtp_url,
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
async def opened_harness(
    settings: WorkerSettings, users_settings: UsersSettings, orchestrator_url: str, sandbox_url: str
) -> AsyncIterator[WebhookHarness]:
    database = Database(settings, application_name="tests")
    users_database = Database(users_settings, application_name="tests")
    async with (
        http_client(orchestrator_url) as http,
        http_client(sandbox_url) as sandbox,
    ):
        yield WebhookHarness(http, sandbox, database, users_database, settings)
    await database.close()
    await users_database.close()


@pytest.fixture
async def harness(opened_harness: WebhookHarness) -> AsyncIterator[WebhookHarness]:
    """Ordered faults and queued jobs end with the test."""
    yield opened_harness
    await opened_harness.sandbox.delete("/control/faults")
    await opened_harness.cancel_jobs()


@pytest.fixture(scope="module")
async def running_worker(settings: WorkerSettings) -> AsyncIterator[None]:
    """Run a worker."""
    async with serving(create_worker(settings), settings):
        yield


@pytest.fixture(scope="module")
async def user_client(users_url: str) -> AsyncIterator[UserClient]:
    async with http_client(users_url) as http:
        yield UserClient(http)


@pytest.fixture
async def new_fan(user_client: UserClient, harness: WebhookHarness) -> NewFan:
    async def make() -> Fan:
        return Fan(await user_client.join(), harness.http, user_client.http)

    return make


@pytest.fixture
async def fan(new_fan: NewFan) -> Fan:
    return await new_fan()


@pytest.fixture
async def admin(user_client: UserClient, harness: WebhookHarness) -> Fan:
    user = await user_client.join()
    await harness.users_database.execute(
        text("UPDATE users SET roles = '{admin,customer}' WHERE user_id = :user_id"), {"user_id": user.user_id}
    )
    data = (await user_client.log_in(user.email)).json()["data"]
    user = LoggedInUser(user.user_id, user.email, user.phone, data["access_token"], data["refresh_token"])
    return Fan(user, harness.http, user_client.http)
