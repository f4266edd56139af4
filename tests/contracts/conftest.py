"""The real services as clients, the engine in this process, and its own saga log."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from devstack.home import Home
from devstack.keys import keys_of
from devstack.services import Urls
from devstack.stack import Stack
from invariants import InvariantChecker, InvariantsBroken
from orchestrator.container import Container, build_container
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent, publish_event
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import EngineFactory
from tests.contracts.scenarios import PREPARE
from tests.support.orchestrator_settings import orchestrator_settings
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.timeouts import CONDITION_SECONDS

PARTICIPANTS = ("sandbox", "users", "orders", "events", "inventory")
ROWS_OF_SEATS = 100
HOLD_TTL_SECONDS = 3600  # an order that a case leaves pending stays pending until the end
SETTLE_SECONDS = CONDITION_SECONDS
SETTLE_SECONDS_WHEN_BROKEN = 1.0  # what an earlier test left unfinished stays unfinished


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
    """The orchestrator's container with a running outbox relay; the tests' own engines run the sagas."""
    settings = orchestrator_settings(
        stack,
        database_url=urls.databases["orchestrator"],
        rabbitmq_url=vhost.url,
        stripe_api_url=stack.urls.sandbox,
        nowpayments_api_url=stack.urls.sandbox,
        hold_ttl_seconds=HOLD_TTL_SECONDS,
    )
    container = build_container(settings)
    container.resources.publisher.broker.start()
    container.resources.relay.start()
    yield container
    await container.resources.relay.close()
    await container.resources.publisher.broker.close()
    await container.resources.closing.aclose()
    await container.resources.clients.close()
    await container.resources.database.close()


@pytest.fixture(scope="module")
async def databases(stack: Stack, urls: Urls) -> AsyncIterator[Databases]:
    secret = keys_of(Home(stack.home)).service_token_secret
    async with Databases(urls.databases, users_url=urls.users, service_token_secret=secret) as databases:
        yield databases


@pytest.fixture(scope="module")
async def event(container: Container) -> PublishedEvent:
    return await publish_event(container.resources.clients, rows=ROWS_OF_SEATS)


@pytest.fixture(scope="module")
def harness(container: Container, databases: Databases, event: PublishedEvent) -> SagaHarness:
    engines = EngineFactory(database=container.resources.database, relay=container.resources.relay)
    return SagaHarness(engines, lambda kind: PREPARE[kind](container, databases, event))


@pytest.fixture(scope="module")
async def checker(urls: Urls) -> AsyncIterator[InvariantChecker]:
    async with InvariantChecker(urls) as checker:
        yield checker


@pytest.fixture(scope="module")
def known_violations() -> set[str]:
    """The violations of earlier tests. They persist, and are reported once, by the test that caused them."""
    return set()


@pytest.fixture(autouse=True)
async def invariants_hold(checker: InvariantChecker, known_violations: set[str]) -> AsyncIterator[None]:
    """Check all invariants after every test."""
    yield
    await checker.settle(timeout_seconds=SETTLE_SECONDS_WHEN_BROKEN if known_violations else SETTLE_SECONDS)
    new_violations = [each for each in await checker.check() if each not in known_violations]
    known_violations.update(new_violations)
    if new_violations:
        raise InvariantsBroken("\n".join(new_violations))
