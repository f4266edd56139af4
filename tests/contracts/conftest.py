"""The real services as clients, the engine in this process, and a saga log of their own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from devstack.home import Home
from devstack.invariants import InvariantChecker, InvariantsBroken
from devstack.keys import keys_of
from devstack.services import Urls
from devstack.stack import Stack
from orchestrator.container import Container, build_container
from orchestrator.settings import Settings
from tests.contracts.halls import Hall, open_hall
from tests.contracts.performance import Stage
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.scenarios import PREPARE
from tests.contracts.world import World
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.timeouts import CONDITION_SECONDS

PARTICIPANTS = ("sandbox", "users", "orders", "events", "inventory")
ROWS_OF_SEATS = 100
HOLD_TTL_SECONDS = 3600  # an order that a case leaves pending shall be so at the end, too
SETTLE_SECONDS = CONDITION_SECONDS
SETTLE_SECONDS_WHEN_BROKEN = 1.0  # what an earlier test left in hand stays in hand


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost) -> Iterator[Stack]:
    env = {"LOG_LEVEL": "WARNING", "SWEEP_SECONDS": "0.1", "HOLD_TTL_SECONDS": f"{HOLD_TTL_SECONDS}"}
    with running_platform(database_url=database_url, vhost=vhost, services=PARTICIPANTS, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def urls(stack: Stack, database_url: DatabaseFactory) -> Urls:
    return replace(stack.urls, databases={**stack.urls.databases, "orchestrator": database_url("orchestrator")})


@pytest.fixture(scope="module")
async def container(stack: Stack, urls: Urls, vhost: Vhost) -> AsyncIterator[Container]:
    """The orchestrator's parts, of which the outbox relay works; sagas are run by the tests' own engines."""
    keys = keys_of(Home(stack.home))
    settings = Settings(
        env="test",
        database_url=SecretStr(urls.databases["orchestrator"]),
        rabbitmq_url=SecretStr(vhost.url),
        service_token_secret=SecretStr(keys.service_token_secret),
        qr_keys=SecretStr(keys.qr_keys),
        users_url=urls.users,
        orders_url=urls.orders,
        events_url=urls.events,
        inventory_address=urls.inventory_address,
        hold_ttl_seconds=HOLD_TTL_SECONDS,
    )
    container = build_container(settings)
    container.resources.publisher.broker.start()
    container.resources.relay.start()
    yield container
    await container.resources.relay.close()
    await container.resources.publisher.broker.close()
    await container.resources.clients.close()
    await container.resources.database.close()


@pytest.fixture(scope="module")
async def world(stack: Stack, urls: Urls) -> AsyncIterator[World]:
    secret = keys_of(Home(stack.home)).service_token_secret
    async with World(urls.databases, users_url=urls.users, service_token_secret=secret) as world:
        yield world


@pytest.fixture(scope="module")
async def hall(container: Container) -> Hall:
    return await open_hall(container.resources.clients, rows=ROWS_OF_SEATS)


@pytest.fixture(scope="module")
def harness(container: Container, world: World, hall: Hall) -> SagaHarness:
    stage = Stage(database=container.resources.database, relay=container.resources.relay)
    return SagaHarness(stage, lambda kind: PREPARE[kind](container, world, hall))


@pytest.fixture(scope="module")
async def inspector(urls: Urls) -> AsyncIterator[InvariantChecker]:
    async with InvariantChecker(urls) as inspector:
        yield inspector


@pytest.fixture(scope="module")
def known_violations() -> set[str]:
    """What earlier tests broke: it stays broken, and is told once, by the test that did it."""
    return set()


@pytest.fixture(autouse=True)
async def invariants_hold(inspector: InvariantChecker, known_violations: set[str]) -> AsyncIterator[None]:
    """Check the whole world after every test."""
    yield
    await inspector.settle(timeout_seconds=SETTLE_SECONDS_WHEN_BROKEN if known_violations else SETTLE_SECONDS)
    news = [violation for violation in await inspector.check() if violation not in known_violations]
    known_violations.update(news)
    if news:
        raise InvariantsBroken("\n".join(news))
