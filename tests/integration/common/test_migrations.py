"""Migrations run while another release serves, and in several processes at once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import TextClause, text

from common.db.engine import Database
from common.db.migrations import upgrade
from common.settings import DatabaseSettings
from devstack.home import ROOT
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

BEFORE = "0002"
INDEX = "ix_requests_created_at"
_WRITE = text("INSERT INTO requests (request_id, fingerprint, result) VALUES (gen_random_uuid(), '', '{}')")
_VALID = text(
    "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = :index AND indisvalid"
)
_IS_BUILDING = text(
    "SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event IS NOT NULL"
)
_READ = text("SELECT FROM events")
_WAITS_TO_ALTER = text(
    "SELECT FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE events%' AND wait_event_type = 'Lock'"
)
_NOT_VALID = text(
    """
    SELECT conname AS name FROM pg_constraint WHERE NOT convalidated
    UNION ALL SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid
    """
)


@pytest.fixture
def url(database_url: DatabaseFactory) -> str:
    empty = database_url.empty()
    migrate(empty, BEFORE)
    return empty


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(
        DatabaseSettings(database_url=SecretStr(url), lock_timeout_seconds=2.0), application_name="older release"
    )
    yield opened
    await opened.close()


def migrate(url: str, revision: str = "head") -> None:
    upgrade(migrations=ROOT / "events" / "migrations", database_url=url, revision=revision)


async def has_index(database: Database) -> bool:
    return await database.fetch_one(_VALID, {"index": INDEX}) is not None


async def test_index_is_created_while_others_write(url: str, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(_WRITE)
        migration = asyncio.create_task(asyncio.to_thread(migrate, url))
        await eventually(lambda: _finds(database, _IS_BUILDING))
        await database.execute(_WRITE)  # waits for no lock, although the migration waits for the open transaction
        assert not migration.done()
    await migration
    assert await has_index(database)


async def test_several_processes_migrate_at_once(url: str, database: Database) -> None:
    env = os.environ | {"ENV": "test", "DATABASE_URL": url}
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", "events", "migrate", cwd=ROOT, env=env)
        for _ in range(3)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await has_index(database)


async def test_interrupted_index_is_created_again(url: str, database: Database) -> None:
    await database.execute(text(f"CREATE INDEX {INDEX} ON requests (created_at)"))
    await database.execute(
        text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = CAST(:index AS regclass)"), {"index": INDEX}
    )
    await asyncio.to_thread(migrate, url)
    assert await has_index(database)


async def test_statements_do_not_queue_behind_a_migration_that_waits(url: str, database: Database) -> None:
    """A transaction that has read a table keeps its lock until its end."""
    async with database.transaction() as reader:
        await reader.execute(_READ)
        migration = asyncio.create_task(asyncio.to_thread(migrate, url))
        await eventually(lambda: _finds(database, _WAITS_TO_ALTER))
        await database.execute(_READ)
        assert not migration.done()
    await migration
    assert await has_index(database)


@pytest.mark.parametrize("service", ["users", "orders", "events", "inventory", "orchestrator"])
async def test_all_constraints_and_indexes_are_valid_at_the_end(database_url: DatabaseFactory, service: str) -> None:
    migrated = Database(DatabaseSettings(database_url=SecretStr(database_url(service))), application_name="tests")
    left = await migrated.fetch_all(_NOT_VALID)
    await migrated.close()
    assert [row["name"] for row in left] == []


async def _finds(database: Database, statement: TextClause) -> bool:
    return await database.fetch_one(statement) is not None
