"""A worker's notifications on a real database, a real broker and a real mail server."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from common.db.engine import Database
from common.settings import DatabaseSettings
from devstack.sandbox.faults import Faults
from devstack.sandbox.mail import Mailbox, MailServer
from tests.integration.notifications.post_office import PostOffice
from tests.support.servers import DatabaseFactory


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(database_url("orchestrator")))
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@pytest.fixture
async def post_office() -> AsyncIterator[PostOffice]:
    """The sandbox's mail server, with nothing in its box."""
    mailbox, faults = Mailbox(), Faults()
    server = MailServer(mailbox, faults, host="127.0.0.1", port=0)
    await server.start()
    yield PostOffice(server, mailbox, faults)
    await server.close()
