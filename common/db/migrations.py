"""Runs Alembic from code. Each service keeps its revisions in its own `migrations/versions/`.

A service's `migrations/env.py` is one line, ``run_migrations(metadata)``; its `__main__` calls `upgrade`.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from common.db.engine import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE, sqlstate_of

__all__ = ["create_index_online", "online", "run_migrations", "upgrade", "validate_online"]

# If several copies of a service start at once, the first migrates and the others wait. The number is arbitrary.
MIGRATION_LOCK: Final = 7_205_759
LOCK_POLL_SECONDS: Final = 0.2

# All statements on a table wait behind an ALTER TABLE that waits. It gives up, lets them pass, and is tried again.
LOCK_TIMEOUT: Final = "500ms"
RETRY_SECONDS: Final = 1.0
ATTEMPTS: Final = 600


def upgrade(*, migrations: Path, database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`. Safe to run from several processes at once, and while the older release serves.

    Raises:
        DBAPIError: a migration failed, or long transactions of other processes held its tables at every attempt.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["database_url"] = database_url
    for attempt in range(1, ATTEMPTS + 1):
        try:
            command.upgrade(config, revision)
        except DBAPIError as error:
            if sqlstate_of(error) not in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED) or attempt == ATTEMPTS:
                raise
        else:
            return
        time.sleep(RETRY_SECONDS)


def run_migrations(metadata: MetaData) -> None:
    """Run the revisions, each in its transaction, under an advisory lock; called by `env.py`."""
    asyncio.run(_migrate(context.config.attributes["database_url"], metadata))


async def _migrate(database_url: str, metadata: MetaData) -> None:
    engine = create_async_engine(database_url, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await _lock(connection)
            await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
            await connection.commit()
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


@contextmanager
def online() -> Iterator[None]:
    """Make each statement of the block a transaction of its own, which may wait for locks without limit.

    Use it in a revision that consists of such blocks, and only for statements that can be repeated and that let other
    processes write meanwhile: if the revision was interrupted, it begins again.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def create_index_online(
    name: str, table: str, columns: str, *, where: str | None = None, is_unique: bool = False
) -> None:
    """Create an index while other processes write to the table; as for `online`, the revision may begin again.

    Args:
        columns: their names or expressions, separated by commas, with DESC where needed.
    """
    unique = "UNIQUE " if is_unique else ""
    condition = f" WHERE {where}" if where else ""
    with online():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {unique}INDEX CONCURRENTLY {name} ON {table} ({columns}){condition}")


def validate_online(table: str, *constraints: str) -> None:
    """Check the rows from before constraints that an earlier revision added as NOT VALID; see `online`."""
    with online():
        for constraint in constraints:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
