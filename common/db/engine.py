"""One service's database.

Hot paths are one statement each, sent in autocommit: one round trip instead of three. What needs several
statements uses `transaction()`; nothing calls out to another service inside one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.sql import Executable

from common.errors import Unavailable
from common.settings import DatabaseSettings

__all__ = [
    "CHECK_VIOLATION",
    "DEADLOCK_DETECTED",
    "FOREIGN_KEY_VIOLATION",
    "LOCK_NOT_AVAILABLE",
    "UNIQUE_VIOLATION",
    "Database",
    "Row",
    "sqlstate_of",
]

Row = RowMapping

LOCK_NOT_AVAILABLE: Final = "55P03"
DEADLOCK_DETECTED: Final = "40P01"
FOREIGN_KEY_VIOLATION: Final = "23503"
UNIQUE_VIOLATION: Final = "23505"
CHECK_VIOLATION: Final = "23514"
# Class 08 is a broken connection, 57P0x a server going down or coming up, 53 a server out of resources,
# 57014 a statement that took longer than STATEMENT_TIMEOUT_SECONDS and was rolled back.
UNAVAILABLE_CLASSES: Final = ("08", "53", "57P", "57014")


class Database:
    """A pool of connections. The server's own failures become `Unavailable`; a statement's errors stay as they are."""

    def __init__(self, settings: DatabaseSettings, *, application_name: str) -> None:
        self.engine = create_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout_seconds,
            pool_use_lifo=True,
            json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": settings.database_pool_timeout_seconds,
                "server_settings": {
                    "application_name": application_name,
                    "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                    "lock_timeout": str(int(settings.lock_timeout_seconds * 1000)),
                    "jit": "off",  # compiling costs more than these short statements themselves
                },
            },
        )
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    async def fetch_all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """Run one statement in autocommit and return its rows."""
        async with _translated(), self._autocommit.connect() as connection:
            result = await connection.execute(statement, parameters)
            return result.mappings().all()

    async def fetch_one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row | None:
        """Run one statement in autocommit and return its first row, if any."""
        rows = await self.fetch_all(statement, parameters)
        return rows[0] if rows else None

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Run one statement in autocommit and return how many rows it touched."""
        async with _translated(), self._autocommit.connect() as connection:
            result = await connection.execute(statement, parameters)
            return result.rowcount

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Several statements, all or none."""
        async with _translated(), self.engine.begin() as connection:
            yield connection

    async def is_healthy(self) -> bool:
        await self.fetch_one(text("SELECT 1"))
        return True

    async def close(self) -> None:
        await self.engine.dispose()


def sqlstate_of(error: DBAPIError) -> str:
    """Return the five-character SQLSTATE, or an empty string when the server never answered."""
    return str(getattr(error.orig, "sqlstate", None) or "")


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (PoolTimeoutError, OSError) as error:
        raise Unavailable(reason=repr(error)) from error
    except DBAPIError as error:
        state = sqlstate_of(error)
        broken = error.connection_invalidated or (isinstance(error, InterfaceError | OperationalError) and not state)
        if broken or state.startswith(UNAVAILABLE_CLASSES):
            raise Unavailable(reason=repr(error.orig)) from error
        raise
