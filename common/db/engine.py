"""One service's database.

Hot paths send one statement each, in autocommit: one round trip instead of three. A `text()` statement is compiled by
SQLAlchemy once and then sent by asyncpg directly, which takes a third of the CPU time (docs/performance.md). A statement
built of SQLAlchemy's expressions is sent by SQLAlchemy. Several statements use `transaction()`; no code calls another
service inside a transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import orjson
from cachetools import LRUCache
from sqlalchemy import TextClause, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.sql import Executable

from common.db.times import set_time_codec
from common.errors import Unavailable
from common.settings import DatabaseSettings
from common.telemetry.metrics import DATABASE_STATEMENTS

__all__ = [
    "CHECK_VIOLATION",
    "DEADLOCK_DETECTED",
    "EXCLUSION_VIOLATION",
    "FOREIGN_KEY_VIOLATION",
    "LOCK_NOT_AVAILABLE",
    "UNIQUE_VIOLATION",
    "Database",
    "Row",
    "sqlstate_of",
]

Row = Mapping[Any, Any]
"""A row by column name: a `dict`, or SQLAlchemy's `RowMapping` in a transaction."""

# A service has a few dozen; the limit guards against statements that are built per request.
COMPILED_STATEMENTS: Final = 1_000

IDLE_IN_TRANSACTION_MILLISECONDS: Final = 15_000

LOCK_NOT_AVAILABLE: Final = "55P03"
DEADLOCK_DETECTED: Final = "40P01"
FOREIGN_KEY_VIOLATION: Final = "23503"
UNIQUE_VIOLATION: Final = "23505"
EXCLUSION_VIOLATION: Final = "23P01"
CHECK_VIOLATION: Final = "23514"
# Class 08 is a broken connection, 57P0x a server that is stopping or starting, 53 a server out of resources, 57014 a
# statement that exceeded STATEMENT_TIMEOUT_SECONDS and was rolled back, 25006 a server that has become a standby.
UNAVAILABLE_CLASSES: Final = ("08", "25006", "53", "57P", "57014")
# asyncpg raises the second on a connection that the server has ended but that is not closed yet.
BROKEN_CONNECTION: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError)


class Database:
    """Connections to one database.

    Failures of the server become `Unavailable`. A statement's errors are SQLAlchemy's, even if asyncpg sent it.
    """

    def __init__(self, settings: DatabaseSettings, *, application_name: str) -> None:
        self._settings = settings
        self._server_settings = {
            "application_name": application_name,
            "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
            "lock_timeout": str(int(settings.lock_timeout_seconds * 1000)),
            # A frozen or disconnected process must not keep its locks.
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MILLISECONDS),
            "tcp_keepalives_idle": "30",
            "jit": "off",  # compiling costs more than running these short statements
        }
        self._engine = create_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout_seconds,
            pool_use_lifo=True,
            hide_parameters=True,  # parameters must not be logged
            json_serializer=_json_text,
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": settings.database_pool_timeout_seconds,
                "server_settings": self._server_settings,
            },
        )
        event.listen(self._engine.sync_engine, "connect", _read_any_time)
        event.listen(self._engine.sync_engine, "before_cursor_execute", lambda *_: DATABASE_STATEMENTS.inc())
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._compiled: LRUCache[TextClause, _Compiled] = LRUCache(COMPILED_STATEMENTS)

    async def fetch_all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """Run one statement in autocommit and return its rows."""
        if not isinstance(statement, TextClause):
            async with self._built() as connection:
                return (await connection.execute(statement, parameters)).mappings().all()
        sql, arguments = self._compile(statement).bind(parameters)
        async with self._direct() as connection:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]

    async def fetch_one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row | None:
        """Run one statement in autocommit and return its first row, if any."""
        rows = await self.fetch_all(statement, parameters)
        return rows[0] if rows else None

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Run one statement in autocommit and return the number of affected rows."""
        if not isinstance(statement, TextClause):
            async with self._built() as connection:
                return (await connection.execute(statement, parameters)).rowcount
        sql, arguments = self._compile(statement).bind(parameters)
        async with self._direct() as connection:
            count = (await connection.execute(sql, *arguments)).rpartition(" ")[2]  # such as "UPDATE 2"
            return int(count) if count.isdigit() else 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run several statements in one transaction."""
        async with _translated(), self._engine.begin() as connection:
            yield connection

    async def is_healthy(self) -> bool:
        return await self.fetch_one(_PING) is not None

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def _built(self) -> AsyncIterator[AsyncConnection]:
        async with _translated(), self._engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def _direct(self) -> AsyncIterator[Any]:
        async with _translated():
            pool = self._pool or await self._open()
            # A timer costs as much as taking the connection, so there is one only if no connection is idle.
            timeout = None if pool.get_idle_size() else self._settings.database_pool_timeout_seconds
            async with pool.acquire(timeout=timeout) as connection:
                DATABASE_STATEMENTS.inc()
                try:
                    yield connection
                except asyncpg.InternalClientError:
                    connection.terminate()  # it is unusable but not closed yet
                    raise

    async def _open(self) -> asyncpg.Pool:
        """Open the pool with the first statement, because it belongs to the running loop."""
        async with self._opening:
            if self._pool is None:
                url = make_url(self._settings.database_url.get_secret_value()).set(drivername="postgresql")
                self._pool = await asyncpg.create_pool(
                    url.render_as_string(hide_password=False),
                    min_size=0,
                    max_size=self._settings.database_pool_size,
                    timeout=self._settings.database_pool_timeout_seconds,
                    server_settings=self._server_settings,
                    init=_prepare,
                    reset=_nothing_to_reset,
                )
            return self._pool

    def _compile(self, statement: TextClause) -> "_Compiled":
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = _Compiled(statement, self._engine.dialect)
        return compiled


class _Compiled:
    """A statement for asyncpg: SQL with $1, $2 and so on, and the parameters' names in that sequence."""

    def __init__(self, statement: TextClause, dialect: Any) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())

    def bind(self, parameters: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
        values = parameters or {}
        return self._sql, [values[name] for name in self._names]


_PING: Final = text("SELECT 1 AS alive")


class ServerRefusal(Exception):
    """PostgreSQL's error without the row that it quotes, because rows must not be logged."""

    def __init__(self, error: asyncpg.PostgresError) -> None:
        self.sqlstate = error.sqlstate
        constraint = getattr(error, "constraint_name", None)
        super().__init__(f"{type(error).__name__} {error.sqlstate}" + (f" by {constraint}" if constraint else ""))


def sqlstate_of(error: DBAPIError) -> str:
    """Return the five-character SQLSTATE, or an empty string if the server did not respond."""
    return str(getattr(error.orig, "sqlstate", None) or "")


async def _prepare(connection: Any) -> None:
    for json_type in ("json", "jsonb"):
        await connection.set_type_codec(json_type, schema="pg_catalog", encoder=_json_text, decoder=orjson.loads)
    await set_time_codec(connection)


def _read_any_time(connection: Any, _: Any) -> None:
    connection.run_async(set_time_codec)


async def _nothing_to_reset(_: Any) -> None:
    """Skip the round trip of a reset: a statement in autocommit leaves no state."""


def _json_text(value: Any) -> str:
    """Return JSON. A string is JSON already, such as pydantic's output."""
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (PoolTimeoutError, TimeoutError, OSError, *BROKEN_CONNECTION) as error:
        if isinstance(error, ValueError):  # an argument of the wrong type is a bug
            raise
        raise Unavailable(reason=repr(error)) from error
    except asyncpg.PostgresError as error:
        if str(error.sqlstate).startswith(UNAVAILABLE_CLASSES):
            raise Unavailable(reason=repr(error)) from error
        kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
        raise kind(None, None, ServerRefusal(error)) from None
    except DBAPIError as error:
        state = sqlstate_of(error)
        broken = error.connection_invalidated or (isinstance(error, InterfaceError | OperationalError) and not state)
        if broken or state.startswith(UNAVAILABLE_CLASSES):
            raise Unavailable(reason=repr(error.orig)) from error
        raise
