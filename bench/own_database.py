"""A database that only one benchmark uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from common.db.migrations import upgrade
from devstack.database import create_databases, drop_database, service_url
from devstack.home import ROOT

__all__ = ["migrated_database"]

NAME: Final = "bench_own"


@contextmanager
def migrated_database(server_url: str, package: str) -> Iterator[str]:
    """Create a service's database, and yield its URL in the form services read; the database is dropped at the end."""
    create_databases(server_url, [NAME])
    try:
        url = service_url(server_url, NAME)
        upgrade(migrations=ROOT / package / "migrations", database_url=url)
        yield url
    finally:
        drop_database(server_url, NAME)
