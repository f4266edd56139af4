"""What a call costs its database, and whether the database is what the models say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.engine import Engine

from common.db.engine import Database

__all__ = ["counted_statements", "schema_differences"]


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the statements that any engine of this process sends meanwhile."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def schema_differences(database: Database, metadata: MetaData) -> list[Any]:
    """Return what a new migration would have to change, as Alembic's operations."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with database.transaction() as connection:
        return await connection.run_sync(differences)
