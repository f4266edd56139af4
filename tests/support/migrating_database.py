"""A service's database that a test migrates step by step."""

import asyncio

from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.db.migrations import upgrade
from common.settings import DatabaseSettings
from devstack.home import ROOT


class MigratingDatabase(Database):
    """An empty database at first."""

    def __init__(self, package: str, url: str) -> None:
        super().__init__(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
        self._migrations = ROOT / package / "migrations"
        self._url = url

    async def upgrade(self, revision: str = "head") -> None:
        await asyncio.to_thread(upgrade, migrations=self._migrations, database_url=self._url, revision=revision)

    async def downgrade(self, revision: str) -> None:
        config = Config()
        config.set_main_option("script_location", str(self._migrations))
        config.attributes["database_url"] = self._url
        await asyncio.to_thread(command.downgrade, config, revision)

    async def run_script(self, statements: str) -> None:
        """Execute statements that are separated by semicolons."""
        for statement in filter(str.strip, statements.split(";")):
            await self.execute(text(statement))
