"""The platform that is measured: fresh, on servers of its own, as in production but for what is said here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.home import Home
from devstack.postgres_files import clear_postgres_files
from devstack.services import PLATFORM
from devstack.stack import Stack

__all__ = ["SETTINGS", "measured_platform"]

SETTINGS: Final = {
    "RATE_LIMIT_PER_MINUTE": "0",  # all fans come from one address
    "LOG_LEVEL": "WARNING",
}
NOT_NEEDED: Final = frozenset({"sandbox"})  # nobody gets a one-time code


@contextmanager
def measured_platform(folder: Path) -> Iterator[Stack]:
    """Start it from an empty folder; stop it and remove its data at the end, its logs stay.

    fsync and synchronous_commit stay on (`devstack/postgres.py`): a sale that is not on disk is no sale.

    Raises:
        DevstackError: it did not start, or another benchmark runs from that folder.
    """
    home = Home(folder)
    if home.is_locked():
        raise DevstackError(f"Another benchmark runs from {folder}.")
    clear_postgres_files(home)
    home.clear()
    services = [spec.name for spec in PLATFORM if spec.name not in NOT_NEEDED]
    with Stack(home=folder, services=services, env=SETTINGS, seed=False) as stack:
        yield stack
    clear_postgres_files(home)
