"""A worker's notifications on a real database, a real broker and a real mail server."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from common.db.engine import Database
from common.settings import DatabaseSettings
from devstack.sandbox.faults import Faults
from devstack.sandbox.mail import Mailbox, MailServer
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from tests.integration.notifications.mail_server import SandboxMailServer
from tests.support.servers import DatabaseFactory


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(database_url("orchestrator")))
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@pytest.fixture
async def mail_server() -> AsyncIterator[SandboxMailServer]:
    """The sandbox's mail server with an empty mailbox."""
    mailbox, faults = Mailbox(), Faults()
    server = MailServer(mailbox, faults, host="127.0.0.1", port=0)
    await server.start()
    yield SandboxMailServer(server, mailbox, faults)
    await server.close()


@pytest.fixture
def jobs(database: Database) -> JobQueue:
    """A job queue without a worker."""
    return JobQueue(
        writer=JobWriter(database), queries=JobQueries(database), policies=POLICIES, wake_relay=lambda: None
    )
