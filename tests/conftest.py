"""Fixtures for every test: a PostgreSQL and a RabbitMQ of the run, a database and a virtual host of the module.

A test that needs neither starts neither.
"""

import gc
from collections.abc import Iterator

import pytest
import structlog

from tests.support.servers import DatabaseFactory, TestServers, Vhost, started_servers
from tests.support.timeouts import be_generous
from tests.support.usual_ports import UsualPortUsed, refusing_usual_ports


def pytest_collection_finish() -> None:
    """Leave what was imported out of every later garbage collection: it stays until the end, and is most of what there is."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log tracebacks as Python prints them; drawing boxes around them takes longer than most tests."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session", autouse=True)
def generous_times() -> None:
    """Let services wait as long as a busy machine makes them."""
    be_generous()


@pytest.fixture(scope="session", autouse=True)
def usual_ports_used() -> Iterator[list[str]]:
    with refusing_usual_ports() as used:
        yield used


@pytest.fixture(autouse=True)
def no_usual_port(usual_ports_used: list[str]) -> Iterator[None]:
    """Fail the test in which a usual port was used, even if the refusal was taken for a service that is away."""
    yield
    used = [*usual_ports_used]
    usual_ports_used.clear()
    if used:
        raise UsualPortUsed(", ".join(sorted(set(used))))


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """PostgreSQL and RabbitMQ, started with the first test that needs one of them and stopped after the last."""
    with started_servers() as running:
        yield running


@pytest.fixture(scope="module")
def database_url(servers: TestServers) -> Iterator[DatabaseFactory]:
    """Make databases for this module: ``url = database_url("users")``; each call makes another one."""
    factory = DatabaseFactory(servers)
    yield factory
    factory.drop_all()


@pytest.fixture(scope="module")
def vhost(servers: TestServers) -> Iterator[Vhost]:
    """Give this module its own queues: ``vhost.url`` is its RABBITMQ_URL."""
    with servers.vhost() as own:
        yield own


@pytest.fixture(scope="module")
def rabbitmq_url(vhost: Vhost) -> str:
    return vhost.url
