"""The migrations make the tables that the models describe."""

from common.db.engine import Database
from orchestrator.tables import metadata
from tests.support.statements import schema_differences


async def test_migrations_and_models_agree(database: Database) -> None:
    assert await schema_differences(database, metadata) == []
