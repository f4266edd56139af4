"""Databases on a PostgreSQL server, embedded or existing: made, cloned from a template, dropped."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from devstack.errors import DevstackError

__all__ = [
    "clone_database",
    "create_databases",
    "database_names",
    "database_url",
    "drop_database",
    "rename_database",
    "service_url",
]

Result = TypeVar("Result")


def database_url(server_url: str, database: str) -> str:
    """Return the server's URL with another database, for asyncpg (``postgresql://``)."""
    parts = urlsplit(server_url)
    return urlunsplit(parts._replace(scheme="postgresql", path=f"/{database}"))


def service_url(server_url: str, database: str) -> str:
    """Return the same for a service's ``DATABASE_URL`` (``postgresql+asyncpg://``)."""
    return urlunsplit(urlsplit(database_url(server_url, database))._replace(scheme="postgresql+asyncpg"))


def create_databases(server_url: str, names: list[str]) -> None:
    """Create those that are missing.

    Raises:
        DevstackError: the server cannot be reached or refuses.
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
    """Create a database as a copy of another one, to which nobody may be connected."""
    _run(_execute(server_url, f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}"))


def drop_database(server_url: str, name: str) -> None:
    """Drop a database, ending whatever is still connected to it."""
    _run(_execute(server_url, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)"))


async def _create_missing(server_url: str, names: list[str]) -> None:
    connection = await _connect(server_url)
    try:
        present = await _present(connection)
        for name in names:
            if name not in present:
                await connection.execute(f"CREATE DATABASE {_quoted(name)}")
    finally:
        await connection.close()


async def _names(server_url: str) -> set[str]:
    connection = await _connect(server_url)
    try:
        return await _present(connection)
    finally:
        await connection.close()


async def _present(connection: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


async def _execute(server_url: str, statement: str) -> None:
    connection = await _connect(server_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _connect(server_url: str) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(database_url(server_url, "postgres"), timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        host = urlsplit(server_url).hostname
        raise DevstackError(f"PostgreSQL at {host} cannot be used: {error}. See DATABASE_URL.") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run in a thread of its own, as the caller's thread may already run an event loop (a test's does)."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
