"""The measured platform: new, on separate servers, with production's settings except for `SETTINGS`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.home import Home
from devstack.postgres_files import clear_postgres_files
from devstack.stack import Stack

SETTINGS: Final = {
    "RATE_LIMIT_PER_MINUTE": "0",  # all fans have one address
    "OTP_SENDS_BY_OTHERS": "0",
    "OTP_SENDS_PER_ACCOUNT": "0",
    "OTP_SENDS_PER_ADDRESS": "0",
    "OTP_SENDS_PER_PHONE": "0",
    "LOG_LEVEL": "WARNING",
}


@contextmanager
def measured_platform(folder: Path) -> Iterator[Stack]:
    """Start the platform in an empty folder; at the end stop it and remove its data, but not its logs.

    fsync and synchronous_commit stay on (`devstack/postgres.py`): only durable sales count.

    Raises:
        DevstackError: it did not start, or another benchmark runs from that folder.
    """
    home = Home(folder)
    if home.is_locked():
        raise DevstackError(f"Another benchmark runs from {folder}.")
    clear_postgres_files(home)
    home.clear()
    with Stack(home=folder, env=SETTINGS, seed=False) as stack:
        yield stack
    clear_postgres_files(home)
