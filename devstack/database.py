"""Creates, clones, renames and drops databases on an embedded or existing PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from devstack.errors import DevstackError

__all__ = [
    "clone_database",
    "connected",
    "create_databases",
    "database_names",
    "database_url",
    "drop_database",
    "rename_database",
    "service_url",
]

Result = TypeVar("Result")


def database_url(server_url: str, database: str) -> str:
    """Return the URL of a database on the server, for asyncpg (``postgresql://``)."""
    parts = urlsplit(server_url)
    return urlunsplit(parts._replace(scheme="postgresql", path=f"/{database}"))


def service_url(server_url: str, database: str) -> str:
    """Return the same for a service's ``DATABASE_URL`` (``postgresql+asyncpg://``)."""
    return urlunsplit(urlsplit(database_url(server_url, database))._replace(scheme="postgresql+asyncpg"))


@asynccontextmanager
async def connected(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Connect to a database, by its URL for asyncpg or by a service's ``DATABASE_URL``; close the connection at the end."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


def create_databases(server_url: str, names: list[str]) -> None:
    """Create the databases that do not exist.

    Raises:
        DevstackError: the server is unreachable or refuses the connection.
    """
    _run(_create_missing(server_url, names))


def database_names(server_url: str) -> set[str]:
    """Return the names of all databases on the server."""
    return _run(_names(server_url))


def rename_database(server_url: str, *, name: str, new_name: str) -> None:
    """Rename a database.

    Raises:
        asyncpg.DuplicateDatabaseError: a database already has the new name.
    """
    _run(_execute(server_url, f"ALTER DATABASE {_quoted(name)} RENAME TO {_quoted(new_name)}"))


def clone_database(server_url: str, *, template: str, name: str) -> None:
    """Create a database as a copy of a template, which must have no connections."""
    _run(_execute(server_url, f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}"))


def drop_database(server_url: str, name: str) -> None:
    """Drop a database and end its connections."""
    _run(_execute(server_url, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)"))


async def _create_missing(server_url: str, names: list[str]) -> None:
    async with _server(server_url) as connection:
        existing = await _existing(connection)
        for name in names:
            if name not in existing:
                await connection.execute(f"CREATE DATABASE {_quoted(name)}")


async def _names(server_url: str) -> set[str]:
    async with _server(server_url) as connection:
        return await _existing(connection)


async def _existing(connection: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


async def _execute(server_url: str, statement: str) -> None:
    async with _server(server_url) as connection:
        await connection.execute(statement)


@asynccontextmanager
async def _server(server_url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    try:
        connection = await asyncpg.connect(database_url(server_url, "postgres"), timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        host = urlsplit(server_url).hostname
        raise DevstackError(f"PostgreSQL at {host} cannot be used: {error}. See DATABASE_URL.") from error
    try:
        yield connection
    finally:
        await connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run in another thread, because the caller's thread may already run an event loop, as in tests."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
