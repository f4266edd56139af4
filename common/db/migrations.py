"""Runs Alembic from code. Each service keeps its revisions in its own `migrations/versions/`.

A service's `migrations/env.py` is one line, ``run_migrations(metadata)``; its `__main__` calls `upgrade`.
"""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

__all__ = ["create_index_online", "run_migrations", "upgrade"]

# If several copies of a service start at once, the first migrates and the others wait. The number is arbitrary.
MIGRATION_LOCK: Final = 7_205_759
LOCK_POLL_SECONDS: Final = 0.2


def upgrade(*, migrations: Path, database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`. Safe to run from several processes at once."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["database_url"] = database_url
    command.upgrade(config, revision)


def run_migrations(metadata: MetaData) -> None:
    """Run the revisions, each in its transaction, under an advisory lock; called by `env.py`."""
    asyncio.run(_migrate(context.config.attributes["database_url"], metadata))


async def _migrate(database_url: str, metadata: MetaData) -> None:
    engine = create_async_engine(database_url, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await _lock(connection)
            await connection.run_sync(_run, metadata)
    finally:
        await engine.dispose()


async def _lock(connection: AsyncConnection) -> None:
    """Take the lock until the connection ends.

    It is polled: `create_index_online` waits for all transactions, so a transaction must not wait for this lock.
    """
    lock = text("SELECT pg_try_advisory_lock(:lock)")
    while not (await connection.execute(lock, {"lock": MIGRATION_LOCK})).scalar_one():
        await connection.commit()
        await asyncio.sleep(LOCK_POLL_SECONDS)
    await connection.commit()


def _run(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def create_index_online(name: str, table: str, columns: str, *, where: str | None = None) -> None:
    """Create an index while other processes write to the table; call it from a revision that does nothing else.

    The revision is not one transaction. If it was interrupted, it begins again.

    Args:
        columns: their names or expressions, separated by commas, with DESC where needed.
    """
    condition = f" WHERE {where}" if where else ""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns}){condition}")
