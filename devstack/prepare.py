"""Migrates all databases and adds the seed data: ``python -m devstack.prepare HOME``.

One process migrates all databases: ``python -m users migrate`` and the others do the same, but each takes a second to
import its service. It is not the supervisor, which stays small without SQLAlchemy.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from common.db.migrations import upgrade
from devstack.home import ROOT, Home
from devstack.seed import seed
from devstack.services import Urls

__all__ = ["prepare"]


def prepare(urls: Urls, *, packages: Sequence[str], with_seed: bool) -> None:
    """Migrate the databases of these packages, then seed them. Both are idempotent."""
    for package in packages:
        upgrade(migrations=ROOT / package / "migrations", database_url=urls.databases[package])
    if with_seed:
        asyncio.run(seed(urls))


def main(home: str, *flags: str) -> None:
    """Prepare the databases of the starting stack in ``home``; ``flags`` are packages and ``--seed``."""
    state = Home(Path(home)).read_state()
    if state is None:
        sys.exit(f"No stack is starting from {home}.")
    packages = [flag for flag in flags if not flag.startswith("-")]
    prepare(Urls(**state.urls), packages=packages, with_seed="--seed" in flags)


if __name__ == "__main__":
    main(*sys.argv[1:])
