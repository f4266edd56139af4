"""The job system on a real database and a real broker, with any number of workers."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.settings import DatabaseSettings
from tests.integration.jobs.harness import JobHarness
from tests.support.servers import DatabaseFactory, Vhost


@pytest.fixture(scope="module")
def orchestrator_url(database_url: DatabaseFactory) -> str:
    return database_url("orchestrator")


@pytest.fixture(scope="module")
async def database(orchestrator_url: str) -> AsyncIterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(orchestrator_url))
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def opened_harness(database: Database, vhost: Vhost) -> AsyncIterator[JobHarness]:
    harness = JobHarness(database, vhost)
    await harness.publisher.broker.wait_until_ready()  # declares the queues, whichever test comes first
    yield harness
    await harness.close()


@pytest.fixture
async def harness(opened_harness: JobHarness, database: Database) -> AsyncIterator[JobHarness]:
    """Start each test without jobs and workers."""
    yield opened_harness
    await opened_harness.stop_workers()
    await database.execute(text("TRUNCATE jobs, job_keys, job_tallies, outbox"))
    await opened_harness.purge()
