"""Fixtures for every test: the run's PostgreSQL and RabbitMQ servers, a database and a virtual host per module.

Each server starts with the first test that needs it.
"""

import gc
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

from tests.support.servers import DatabaseFactory, TestServers, Vhost, started_servers
from tests.support.timeouts import be_generous
from tests.support.usual_ports import UsualPortUsed, refusing_usual_ports

# An example that is slow on a busy machine is no failure.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Exclude imported objects from every later garbage collection: they live until the end and are most of the heap."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log tracebacks as Python prints them; drawing boxes around them takes longer than most tests."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session", autouse=True)
def generous_times() -> None:
    """Give services timeouts that a busy machine can keep."""
    be_generous()


@pytest.fixture(scope="session", autouse=True)
def usual_ports_used() -> Iterator[list[str]]:
    with refusing_usual_ports() as used:
        yield used


@pytest.fixture(autouse=True)
def no_usual_port(usual_ports_used: list[str]) -> Iterator[None]:
    """Fail the test that used a usual port, even if the code under test treated the refusal as an unavailable service."""
    yield
    used = [*usual_ports_used]
    usual_ports_used.clear()
    if used:
        raise UsualPortUsed(", ".join(sorted(set(used))))


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """Start PostgreSQL and RabbitMQ with the first test that needs one of them and stop them after the last."""
    with started_servers() as running:
        yield running


@pytest.fixture(scope="module")
def database_url(servers: TestServers) -> Iterator[DatabaseFactory]:
    """Create databases for this module: ``url = database_url("users")``; each call creates another one."""
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
