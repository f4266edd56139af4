"""More callers than connections, all waiting for one lock: some are refused, and no lock or connection leaks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.errors import Unavailable
from common.settings import DatabaseSettings
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

NAME = "crowded"
CONNECTIONS = 2
POOL_TIMEOUT_SECONDS = 0.2  # for a free connection, and for opening one
LOCK_SECONDS = 100  # longer than any lock here, so that only the pool refuses
CALLERS = 40
COUNT = text("UPDATE counter SET value = value + 1")
WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE application_name = $1 AND NOT granted
"""
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
LEFT_OVER = """
    SELECT pid, state, query FROM pg_stat_activity AS a
    WHERE application_name = $1 AND (state <> 'idle' OR EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid))
"""

END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"

Count = Callable[[Database], Awaitable[object]]


@pytest.fixture(scope="module")
def url(database_url: DatabaseFactory) -> str:
    return database_url.empty()


@pytest.fixture(scope="module")
async def observer(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE counter (value integer NOT NULL)")
    await connection.execute("INSERT INTO counter VALUES (0)")
    yield connection
    await connection.close()


@asynccontextmanager
async def database_with(url: str, *, pool_timeout_seconds: float) -> AsyncIterator[Database]:
    settings = DatabaseSettings(
        database_url=SecretStr(url),
        database_pool_size=CONNECTIONS,
        database_pool_timeout_seconds=pool_timeout_seconds,
        statement_timeout_seconds=LOCK_SECONDS,
    )
    database = Database(settings, application_name=NAME)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with database_with(url, pool_timeout_seconds=LOCK_SECONDS) as database:
        yield database


@pytest.fixture
async def short_timeout_database(url: str) -> AsyncIterator[Database]:
    async with database_with(url, pool_timeout_seconds=POOL_TIMEOUT_SECONDS) as database:
        yield database


@asynccontextmanager
async def all_rows_locked(url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with connection.transaction():
            await connection.execute("SELECT value FROM counter FOR UPDATE")
            yield
    finally:
        await connection.close()


async def in_one_statement(database: Database) -> None:
    await database.execute(COUNT)


async def in_a_transaction(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(COUNT)


async def outcome_of(call: Awaitable[object]) -> str:
    try:
        await call
    except Unavailable:
        return "refused"
    return "done"


@pytest.mark.parametrize("count", [in_one_statement, in_a_transaction])
async def test_caller_without_a_connection_is_refused_and_the_others_continue(
    url: str, observer: asyncpg.Connection, short_timeout_database: Database, count: Count
) -> None:
    await eventually(lambda: all_are_open(observer, short_timeout_database, count))
    before = await observer.fetchval("SELECT value FROM counter")
    async with all_rows_locked(url):
        served = [asyncio.create_task(outcome_of(count(short_timeout_database))) for _ in range(CONNECTIONS)]
        await eventually(lambda: all_waiting(observer))
        callers = [asyncio.create_task(outcome_of(count(short_timeout_database))) for _ in range(CALLERS - CONNECTIONS)]
        await eventually(lambda: all(caller.done() for caller in callers), within_seconds=LOCK_SECONDS / 2)
        assert await all_waiting(observer)
    assert Counter(await asyncio.gather(*callers)) == {"refused": CALLERS - CONNECTIONS}
    assert await asyncio.gather(*served) == ["done"] * CONNECTIONS
    assert await observer.fetchval("SELECT value FROM counter") == before + CONNECTIONS
    await eventually(lambda: nothing_is_left_over(observer))


@pytest.mark.parametrize("count", [in_one_statement, in_a_transaction])
async def test_cancelled_callers_leave_no_lock_and_no_connection_behind(
    url: str, observer: asyncpg.Connection, database: Database, count: Count
) -> None:
    before = await observer.fetchval("SELECT value FROM counter")
    async with all_rows_locked(url):
        callers = [asyncio.create_task(outcome_of(count(database))) for _ in range(CONNECTIONS)]
        await eventually(lambda: all_waiting(observer))
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        await eventually(lambda: nothing_is_left_over(observer))
    assert [await outcome_of(count(database)) for _ in range(2 * CONNECTIONS)] == ["done"] * 2 * CONNECTIONS
    assert await observer.fetchval("SELECT value FROM counter") == before + 2 * CONNECTIONS


@pytest.mark.parametrize("count", [in_one_statement, in_a_transaction])
async def test_connection_terminated_by_the_server_is_replaced(
    url: str, observer: asyncpg.Connection, count: Count
) -> None:
    """The server sends its reason first; the end of the connection comes later, or never."""
    async with proxy_that_keeps_connections_open(url) as (proxy_url, is_over):
        settings = DatabaseSettings(database_url=SecretStr(proxy_url), database_pool_size=1)
        database = Database(settings, application_name=NAME)
        await count(database)
        await observer.execute(END_ALL, NAME)
        await is_over.wait()
        outcomes = await asyncio.gather(*[outcome_of(count(database))], return_exceptions=True)
        assert outcomes in (["refused"], ["done"])
        assert await outcome_of(count(database)) == "done"
        await database.close()


@asynccontextmanager
async def proxy_that_keeps_connections_open(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Forward bytes but not the first end of stream; yields the URL, and an event set when the server closes."""
    address, is_over = urlsplit(url), asyncio.Event()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(address.hostname, address.port)
        there = asyncio.create_task(pump(reader, far_writer))
        await pump(far_reader, writer)
        if is_over.is_set():
            writer.close()
        is_over.set()
        await there
        far_writer.close()
        writer.close()

    async with await asyncio.start_server(carry, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        login = address.netloc.rpartition("@")[0]
        yield urlunsplit(address._replace(netloc=f"{login}@127.0.0.1:{port}")), is_over


async def all_are_open(observer: asyncpg.Connection, database: Database, count: Count) -> bool:
    """Open every connection before the lock is taken; a slow one is opened by the next poll."""
    await asyncio.gather(*[outcome_of(count(database)) for _ in range(CONNECTIONS)])
    return bool(await observer.fetchval(OPEN, NAME) == CONNECTIONS)


async def all_waiting(observer: asyncpg.Connection) -> bool:
    return bool(await observer.fetchval(WAITING, NAME) == CONNECTIONS)


async def nothing_is_left_over(observer: asyncpg.Connection) -> bool:
    assert await observer.fetch(LEFT_OVER, NAME) == []
    return True
