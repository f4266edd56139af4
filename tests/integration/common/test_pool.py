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
PATIENCE_SECONDS = 0.2  # for a free connection, and for opening one
STANDSTILL_SECONDS = 100  # longer than any lock here, so that only the pool refuses
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
async def crowded_database(url: str, *, patience_seconds: float) -> AsyncIterator[Database]:
    settings = DatabaseSettings(
        database_url=SecretStr(url),
        database_pool_size=CONNECTIONS,
        database_pool_timeout_seconds=patience_seconds,
        statement_timeout_seconds=STANDSTILL_SECONDS,
    )
    database = Database(settings, application_name=NAME)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with crowded_database(url, patience_seconds=STANDSTILL_SECONDS) as database:
        yield database


@pytest.fixture
async def impatient_database(url: str) -> AsyncIterator[Database]:
    async with crowded_database(url, patience_seconds=PATIENCE_SECONDS) as database:
        yield database


@asynccontextmanager
async def everything_stands_still(url: str) -> AsyncIterator[None]:
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
    url: str, observer: asyncpg.Connection, impatient_database: Database, count: Count
) -> None:
    await eventually(lambda: all_are_open(observer, impatient_database, count))
    before = await observer.fetchval("SELECT value FROM counter")
    async with everything_stands_still(url):
        served = [asyncio.create_task(outcome_of(count(impatient_database))) for _ in range(CONNECTIONS)]
        await eventually(lambda: all_wait(observer))
        crowd = [asyncio.create_task(outcome_of(count(impatient_database))) for _ in range(CALLERS - CONNECTIONS)]
        await eventually(lambda: all(caller.done() for caller in crowd), within_seconds=STANDSTILL_SECONDS / 2)
        assert await all_wait(observer)
    assert Counter(await asyncio.gather(*crowd)) == {"refused": CALLERS - CONNECTIONS}
    assert await asyncio.gather(*served) == ["done"] * CONNECTIONS
    assert await observer.fetchval("SELECT value FROM counter") == before + CONNECTIONS
    await eventually(lambda: nothing_is_left_over(observer))


@pytest.mark.parametrize("count", [in_one_statement, in_a_transaction])
async def test_cancelled_callers_leave_no_lock_and_no_connection_behind(
    url: str, observer: asyncpg.Connection, database: Database, count: Count
) -> None:
    before = await observer.fetchval("SELECT value FROM counter")
    async with everything_stands_still(url):
        callers = [asyncio.create_task(outcome_of(count(database))) for _ in range(CONNECTIONS)]
        await eventually(lambda: all_wait(observer))
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
    async with cable_that_outlives_the_server(url) as (cable_url, is_over):
        settings = DatabaseSettings(database_url=SecretStr(cable_url), database_pool_size=1)
        database = Database(settings, application_name=NAME)
        await count(database)
        await observer.execute(END_ALL, NAME)
        await is_over.wait()
        outcomes = [await outcome_of(count(database)) for _ in range(2)]
        assert outcomes[-1] == "done"
        await database.close()


@asynccontextmanager
async def cable_that_outlives_the_server(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
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


async def all_wait(observer: asyncpg.Connection) -> bool:
    return bool(await observer.fetchval(WAITING, NAME) == CONNECTIONS)


async def nothing_is_left_over(observer: asyncpg.Connection) -> bool:
    assert await observer.fetch(LEFT_OVER, NAME) == []
    return True
