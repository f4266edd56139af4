"""The migrations make the tables that the models describe."""

import orchestrator.container  # noqa: F401 - importing the features defines their tables
from common.db.engine import Database
from orchestrator.database import metadata
from tests.support.statements import schema_differences


async def test_migrations_and_models_agree(database: Database) -> None:
    assert await schema_differences(database, metadata) == []
