"""The migrations and the models say the same."""

import asyncio
import os
import sys

from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.settings import DatabaseSettings
from tests.support.servers import DatabaseFactory
from tests.support.statements import schema_differences
from users.tables import METADATA


async def test_the_migrated_database_is_what_the_models_describe(database: Database) -> None:
    assert await schema_differences(database, METADATA) == []


async def _migrate(database_url: str) -> int:
    """It needs no more than DATABASE_URL: no key, no secret."""
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "users", "migrate", env=env)
    return await process.wait()


async def test_copies_that_start_at_once_migrate_once(database_url: DatabaseFactory) -> None:
    url = database_url.empty()

    assert await asyncio.gather(*(_migrate(url) for _ in range(2))) == [0, 0]

    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
    rows = await database.fetch_all(text("SELECT version_num FROM alembic_version"))
    await database.close()
    assert [row["version_num"] for row in rows] == ["0005"]
