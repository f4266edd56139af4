"""The events service on a database per module, called over HTTP as the orchestrator and without a token."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from common.auth.principal import Role
from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from events.app import create_app
from events.settings import Settings
from tests.integration.events.catalogue import CatalogueCaller
from tests.integration.events.stage import FactsCaller, OfferCaller
from tests.support.callers import Caller
from tests.support.servers import DatabaseFactory
from tests.support.service_auth import ServiceAuth
from tests.support.user_tokens import UserTokenMint


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory, rabbitmq_url: str) -> Settings:
    return Settings(env="test", database_url=SecretStr(database_url("events")), rabbitmq_url=SecretStr(rabbitmq_url))


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
async def anonymous(app: FastAPI) -> AsyncIterator[Caller]:
    """A caller without a token."""
    async with Caller(app) as caller:
        yield caller


@pytest.fixture(scope="module")
async def catalogue(app: FastAPI, settings: Settings) -> AsyncIterator[CatalogueCaller]:
    """The internal routes, as the orchestrator calls them."""
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    async with Caller(app, ServiceAuth(tokens, audience="events")) as orchestrator:
        yield CatalogueCaller(orchestrator)


@pytest.fixture(scope="module")
def facts(catalogue: CatalogueCaller) -> FactsCaller:
    """What the orchestrator reads of performers and menus."""
    return FactsCaller(catalogue.orchestrator)


NewPerformer = Callable[[], Awaitable[OfferCaller]]


@pytest.fixture
async def new_performer(app: FastAPI, mint: UserTokenMint) -> AsyncIterator[NewPerformer]:
    """Log a performer in who has no profile yet."""
    async with AsyncExitStack() as opened:

        async def log_in() -> OfferCaller:
            user_id = uuid.uuid4()
            token = mint.token(user_id, Role.CUSTOMER, Role.PERFORMER)
            return OfferCaller(await opened.enter_async_context(Caller(app, token)), user_id)

        yield log_in


@pytest.fixture
async def performer(new_performer: NewPerformer) -> OfferCaller:
    """A performer with a profile."""
    performer = await new_performer()
    assert (await performer.write_profile()).status_code == 200
    return performer


@pytest.fixture
async def admin(app: FastAPI, mint: UserTokenMint) -> AsyncIterator[Caller]:
    user_id = uuid.uuid4()
    async with Caller(app, mint.token(user_id, Role.ADMIN), user_id=user_id) as caller:
        yield caller
