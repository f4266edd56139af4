"""The orders service on a database per module, called over HTTP as the orchestrator and as users."""

import uuid
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from common.auth.principal import Role
from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from orders.app import create_app
from orders.settings import Settings
from tests.integration.orders.deal_caller import DealCaller, ListingCaller, TransferCaller
from tests.integration.orders.item_caller import ItemCaller
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller
from tests.support.servers import DatabaseFactory
from tests.support.service_auth import ServiceAuth
from tests.support.user_tokens import UserTokenMint


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, rabbitmq_url: str) -> Settings:
    return Settings(env="test", database_url=SecretStr(database_url("orders")), rabbitmq_url=SecretStr(rabbitmq_url))


@pytest.fixture(scope="module")
def mint() -> UserTokenMint:
    return UserTokenMint()


@pytest.fixture(scope="module")
async def app(settings: Settings, mint: UserTokenMint) -> AsyncIterator[FastAPI]:
    app = create_app(settings, user_tokens=mint.verifier())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The service's tables, read directly."""
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@pytest.fixture(scope="module")
def service_auth(settings: Settings) -> ServiceAuth:
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    return ServiceAuth(tokens, audience="orders")


@pytest.fixture(scope="module")
async def anonymous(app: FastAPI) -> AsyncIterator[Caller]:
    """A caller without a token."""
    async with Caller(app) as caller:
        yield caller


@pytest.fixture(scope="module")
async def orders_caller(app: FastAPI, service_auth: ServiceAuth) -> AsyncIterator[OrdersCaller]:
    """The internal routes, as the orchestrator calls them."""
    async with Caller(app, service_auth) as orchestrator:
        yield OrdersCaller(orchestrator)


@pytest.fixture(scope="module")
def transfers(orders_caller: OrdersCaller) -> TransferCaller:
    return TransferCaller(orders_caller.orchestrator)


@pytest.fixture(scope="module")
def listings(orders_caller: OrdersCaller) -> ListingCaller:
    return ListingCaller(orders_caller.orchestrator)


@pytest.fixture(scope="module")
def items(orders_caller: OrdersCaller) -> ItemCaller:
    return ItemCaller(orders_caller.orchestrator)


@pytest.fixture
def kind(request: pytest.FixtureRequest, transfers: TransferCaller, listings: ListingCaller) -> DealCaller:
    """Transfers or listings, by the class given as the test's parameter."""
    return transfers if request.param is TransferCaller else listings


@pytest.fixture
async def fan(app: FastAPI, mint: UserTokenMint) -> AsyncIterator[Caller]:
    """A new user for each test."""
    user_id = uuid.uuid4()
    async with Caller(app, mint.token(user_id), user_id=user_id) as caller:
        yield caller


@pytest.fixture
async def admin(app: FastAPI, mint: UserTokenMint) -> AsyncIterator[Caller]:
    user_id = uuid.uuid4()
    async with Caller(app, mint.token(user_id, Role.ADMIN), user_id=user_id) as caller:
        yield caller
