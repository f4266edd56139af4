"""The orchestrator on a real database and broker, its audit trail, and an admin who calls it from a known address."""

import uuid
from collections.abc import AsyncIterator
from typing import Final

import pytest
from pydantic import SecretStr

from common.auth.principal import Role
from common.db.engine import Database
from common.settings import DatabaseSettings
from orchestrator.app import create_app
from orchestrator.audit.repository import AuditRepository
from orchestrator.audit.service import AuditTrail
from orchestrator.settings import WorkerSettings
from tests.support.callers import Caller
from tests.support.servers import DatabaseFactory
from tests.support.unused_addresses import NO_OTHER_SERVICES
from tests.support.user_tokens import UserTokenMint

ADDRESS: Final = "203.0.113.7"


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, rabbitmq_url: str) -> WorkerSettings:
    return WorkerSettings(
        env="test",
        database_url=SecretStr(database_url("orchestrator")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        qr_keys=SecretStr(f"k1:{'A' * 43}"),
        **NO_OTHER_SERVICES,
    )


@pytest.fixture(scope="module")
async def database(settings: WorkerSettings) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings(database_url=settings.database_url), application_name="tests")
    yield database
    await database.close()


@pytest.fixture(scope="module")
def trail(database: Database) -> AuditTrail:
    return AuditTrail(AuditRepository(database))


@pytest.fixture(scope="module")
async def callers(settings: WorkerSettings) -> AsyncIterator[dict[str, Caller]]:
    mint, admin_id = UserTokenMint(), uuid.uuid4()
    app = create_app(settings, user_tokens=mint.verifier())
    async with (
        Caller(app, mint.token(admin_id, Role.CUSTOMER, Role.ADMIN), user_id=admin_id) as admin,
        Caller(app, mint.token(uuid.uuid4())) as fan,
    ):
        yield {"admin": admin, "fan": fan}


@pytest.fixture
def admin(callers: dict[str, Caller]) -> Caller:
    return callers["admin"]
