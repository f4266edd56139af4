"""A running inventory: its gRPC server on the run's PostgreSQL and RabbitMQ, and a caller."""

from collections.abc import AsyncIterator

import grpc
import pytest
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from common.rpc.client import RpcCaller, open_channel
from devstack.ports import free_port
from inventory.app import Inventory
from inventory.settings import Settings
from proto.inventory.v1.inventory_pb2_grpc import InventoryStub
from tests.integration.inventory.inventory_caller import Hall, InventoryCaller, new_id
from tests.integration.inventory.running import running_inventory
from tests.support.servers import DatabaseFactory
from tests.support.timeouts import ANSWER_SECONDS


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, rabbitmq_url: str) -> Settings:
    return Settings(
        env="test",
        port=free_port(),
        database_url=SecretStr(database_url("inventory")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        hold_ttl_seconds=1,
        sweep_seconds=3600,  # tests that need a sweep run one
        seat_changes_seconds=0.02,
        lock_timeout_seconds=10,  # less than the 15 s after which an idle transaction ends, which holds the locks here
    )


@pytest.fixture(scope="module")
async def inventory(settings: Settings) -> AsyncIterator[Inventory]:
    async with running_inventory(settings) as running:
        yield running


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The inventory's tables, read directly."""
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def channel(inventory: Inventory) -> AsyncIterator[grpc.aio.Channel]:
    async with open_channel(f"{inventory.settings.host}:{inventory.settings.port}") as channel:
        yield channel


@pytest.fixture(scope="module")
def tokens(settings: Settings) -> ServiceTokens:
    """The orchestrator's tokens."""
    return ServiceTokens(service="orchestrator", secret=settings.service_token_secret)


@pytest.fixture(scope="module")
def inventory_caller(channel: grpc.aio.Channel, tokens: ServiceTokens) -> InventoryCaller:
    return InventoryCaller(
        InventoryStub(channel), RpcCaller(callee="inventory", tokens=tokens, deadline_seconds=ANSWER_SECONDS)
    )


@pytest.fixture
async def hall(inventory_caller: InventoryCaller) -> Hall:
    return await inventory_caller.provision()


@pytest.fixture
def fan() -> str:
    return new_id()
