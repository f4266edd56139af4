"""Parked messages on a real database and a real broker, and the admins who handle them."""

import uuid
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from common.auth.principal import Role
from common.db.engine import Database
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.settings import DatabaseSettings
from orchestrator.app import create_app
from orchestrator.settings import Settings
from rabbitmq.topology import platform_topology
from tests.integration.parked_messages.harness import ParkingHarness
from tests.support.callers import Caller
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.unused_addresses import NO_OTHER_SERVICES
from tests.support.user_tokens import UserTokenMint


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, vhost: Vhost) -> Settings:
    return Settings(
        env="test",
        database_url=SecretStr(database_url("orchestrator")),
        rabbitmq_url=SecretStr(vhost.url),
        qr_keys=SecretStr(f"k1:{'A' * 43}"),
        **NO_OTHER_SERVICES,
    )


@pytest.fixture(scope="module")
async def opened_harness(settings: Settings, vhost: Vhost) -> AsyncIterator[ParkingHarness]:
    database = Database(DatabaseSettings(database_url=settings.database_url), application_name="tests")
    topology = platform_topology()
    publisher = Publisher(vhost.url, service="tests", topology=topology, timeout_seconds=3)
    publisher.broker.start()
    await publisher.broker.wait_until_ready()
    yield ParkingHarness(database, vhost, topology, publisher)
    await publisher.broker.close()
    await database.close()


@pytest.fixture
async def harness(opened_harness: ParkingHarness) -> AsyncIterator[ParkingHarness]:
    """Start each test without parked messages."""
    yield opened_harness
    await opened_harness.clear()


@pytest.fixture
async def relay(harness: ParkingHarness) -> AsyncIterator[OutboxRelay]:
    relay = OutboxRelay(harness.database, harness.publisher, poll_seconds=0.05)
    relay.start()
    yield relay
    await relay.close()


@pytest.fixture(scope="module")
async def callers(settings: Settings) -> AsyncIterator[dict[str, Caller]]:
    mint, admin_id = UserTokenMint(), uuid.uuid4()
    app = create_app(settings, user_tokens=mint.verifier())
    token = mint.token(admin_id, Role.CUSTOMER, Role.ADMIN)
    async with (
        Caller(app, token, user_id=admin_id) as admin_caller,
        Caller(app, mint.token(uuid.uuid4())) as fan,
        Caller(app) as anonymous,
    ):
        yield {"admin": admin_caller, "fan": fan, "anonymous": anonymous}


@pytest.fixture
def admin(callers: dict[str, Caller]) -> Caller:
    return callers["admin"]
