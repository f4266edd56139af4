"""Runs Alembic from code. Each service keeps its revisions in its own `migrations/versions/`.

A service's `migrations/env.py` is one line, ``run_migrations(metadata)``; its `__main__` calls `upgrade`.
"""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

__all__ = ["run_migrations", "upgrade"]

# If several copies of a service start at once, the first migrates and the others wait. The number is arbitrary.
MIGRATION_LOCK: Final = 7_205_759


def upgrade(*, migrations: Path, database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`. Safe to run from several processes at once."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["database_url"] = database_url
    command.upgrade(config, revision)


def run_migrations(metadata: MetaData) -> None:
    """Run the revisions in one transaction under an advisory lock; called by `env.py`."""
    asyncio.run(_migrate(context.config.attributes["database_url"], metadata))


async def _migrate(database_url: str, metadata: MetaData) -> None:
    engine = create_async_engine(database_url, poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            await connection.run_sync(_run, metadata)
    finally:
        await engine.dispose()


def _run(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    context.run_migrations()
