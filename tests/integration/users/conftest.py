"""The users service and the sandbox, each behind a real server; a database and a virtual host per module."""

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from devstack.sandbox.app import create_app as create_sandbox
from devstack.sandbox.settings import Settings as SandboxSettings
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.otp_caller import OtpCaller, new_otp_caller
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, Sandbox, UserClient
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.service_auth import ServiceAuth
from tests.support.serving import serving
from tests.support.unused_addresses import UNUSED_URL
from users.app import create_app
from users.settings import Settings


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(env="test", smtp_port=0, users_url=UNUSED_URL, gateway_url=UNUSED_URL)
    async with serving(create_sandbox(settings), settings) as url, http_client(url) as http:
        yield Sandbox(url, http)


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, rabbitmq_url: str, sandbox: Sandbox) -> Settings:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Settings(
        env="test",
        database_url=SecretStr(database_url("users")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        jwt_private_key=SecretStr(key.decode()),
        otp_api_url=sandbox.url,
        otp_sends_per_account=5,  # the default in tests is no limit
    )


@pytest.fixture(scope="module")
async def users_url(settings: Settings) -> AsyncIterator[str]:
    async with serving(create_app(settings), settings) as url:
        yield url


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def user_client(users_url: str) -> AsyncIterator[UserClient]:
    """A client of the public API."""
    async with http_client(users_url) as http:
        yield UserClient(http)


@pytest.fixture
async def admin(user_client: UserClient, database: Database) -> LoggedInUser:
    """An admin who logged in again after the role was granted."""
    user = await user_client.join()
    await database.execute(
        text("UPDATE users SET roles = '{admin,customer}' WHERE user_id = :user_id"), {"user_id": user.user_id}
    )
    data = (await user_client.log_in(user.email)).json()["data"]
    return LoggedInUser(user.user_id, user.email, user.phone, data["access_token"], data["refresh_token"])


@pytest.fixture(scope="module")
async def limited_user_client(settings: Settings) -> AsyncIterator[UserClient]:
    """A client of an instance with a short password queue and low limits."""
    narrow = {
        "login_failures_per_address": 3,
        "otp_sends_per_account": 3,
        "otp_sends_per_phone": 3,
        "email_links_per_address": 3,
    }
    limited_settings = settings.model_copy(update={"password_threads": 1, "password_queue": 1, **narrow})
    async with serving(create_app(limited_settings), limited_settings) as url, http_client(url) as http:
        yield UserClient(http)


@pytest.fixture(scope="module")
async def guessed_user_client(settings: Settings) -> AsyncIterator[UserClient]:
    """A client of an instance that allows few wrong passwords, logins and refreshes of an account."""
    few = {
        "login_failures_per_account": 3,
        "login_failures_in_all": 5,
        "logins_per_account": 6,
        "known_devices_per_account": 2,
        "refreshes_per_minute": 3,
    }
    limited_settings = settings.model_copy(update=few)
    async with serving(create_app(limited_settings), limited_settings) as url, http_client(url) as http:
        yield UserClient(http)


@pytest.fixture(scope="module")
async def network_limited_user_client(settings: Settings) -> AsyncIterator[UserClient]:
    """A client of an instance that sends three codes an hour per network."""
    limited_settings = settings.model_copy(update={"otp_sends_per_address": 3})
    async with serving(create_app(limited_settings), limited_settings) as url, http_client(url) as http:
        yield UserClient(http)


@pytest.fixture
async def short_timeout_user_client(settings: Settings) -> AsyncIterator[UserClient]:
    """A client of an instance that waits half a second for the OTP provider."""
    short_timeout_settings = settings.model_copy(update={"otp_timeout_seconds": 0.5})
    async with serving(create_app(short_timeout_settings), short_timeout_settings) as url, http_client(url) as http:
        yield UserClient(http)


@pytest.fixture
async def deleting_user_client(settings: Settings) -> AsyncIterator[UserClient]:
    """A client of an instance that deletes old rows ten times a second."""
    frequent = settings.model_copy(update={"housekeeping_seconds": 0.1})
    async with serving(create_app(frequent), frequent) as url, http_client(url) as http:
        yield UserClient(http)


@pytest.fixture(scope="module")
async def ledger(settings: Settings, users_url: str, database: Database) -> AsyncIterator[LedgerCaller]:
    """The orchestrator, calling the ledger."""
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    async with http_client(users_url, auth=ServiceAuth(tokens, audience="users")) as http:
        yield LedgerCaller(http, database)


@pytest.fixture(scope="module")
def account_emails(ledger: LedgerCaller, database: Database) -> AccountEmails:
    return AccountEmails(ledger.http, database)


@pytest.fixture
async def otp_caller(ledger: LedgerCaller, sandbox: Sandbox) -> AsyncIterator[OtpCaller]:
    """The orchestrator, asking a new user to confirm a purchase. Ordered faults end with the test."""
    yield await new_otp_caller(ledger)
    await sandbox.clear_faults()
