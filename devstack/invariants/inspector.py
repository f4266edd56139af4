"""Reads every service's database and applies all rules."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, Self, cast

import asyncpg

from devstack.invariants import at_rest, cancelled_events, escrows, handovers, ledger, orders, payments, seats
from devstack.invariants.books import READS, Books, Read, Row, Rows

__all__ = ["Inspector", "InvariantsBroken", "PlatformUrls", "check", "require", "settle"]

PACKAGES: Final = ("users", "orders", "events", "inventory", "orchestrator")
SETTLE_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 0.05
SUBJECTS: Final = (at_rest, ledger, seats, orders, handovers, escrows, cancelled_events, payments)


class PlatformUrls(Protocol):
    """Where the databases are, by package."""

    @property
    def databases(self) -> Mapping[str, str]: ...


class InvariantsBroken(AssertionError):
    """Carries every violation, one a line."""


async def require(urls: PlatformUrls, *, settle_seconds: float = SETTLE_SECONDS) -> None:
    """Wait for rest, check, and raise when anything is wrong.

    Raises:
        InvariantsBroken: what is wrong.
    """
    async with Inspector(urls) as inspector:
        await inspector.require(settle_seconds=settle_seconds)


async def settle(urls: PlatformUrls, *, timeout_seconds: float = SETTLE_SECONDS) -> None:
    """Return when no saga is in hand and every message is sent, or when the time is over."""
    async with Inspector(urls) as inspector:
        await inspector.settle(timeout_seconds=timeout_seconds)


async def check(urls: PlatformUrls) -> list[str]:
    """Return every violation as a sentence; an empty list when all is well."""
    async with Inspector(urls) as inspector:
        return await inspector.check()


class Inspector:
    """One connection to each database, for whoever checks often."""

    def __init__(self, urls: PlatformUrls) -> None:
        self._urls = urls.databases
        self._connections: dict[str, asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        for package in PACKAGES:
            self._connections[package] = await asyncpg.connect(self._urls[package].replace("+asyncpg", ""))
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def require(self, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        """As the function of that name."""
        give_up_at = time.monotonic() + settle_seconds
        while True:
            await self.settle(timeout_seconds=give_up_at - time.monotonic())
            books = await self._read(READS)
            violations = _violations(books)
            if not violations:
                return
            # A letter or a job may have begun something new between the two looks: what moves is not judged yet.
            if not at_rest.violations(books) or time.monotonic() >= give_up_at:
                raise InvariantsBroken("\n".join(violations))

    async def settle(self, *, timeout_seconds: float = SETTLE_SECONDS) -> None:
        """As the function of that name."""
        give_up_at = time.monotonic() + timeout_seconds
        while time.monotonic() < give_up_at:
            if not at_rest.violations(await self._read(at_rest.READS)):
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def check(self) -> list[str]:
        """As the function of that name."""
        return _violations(await self._read(READS))

    async def _read(self, reads: Mapping[str, Read]) -> Books:
        read = await asyncio.gather(*(self._read_package(package, reads) for package in PACKAGES))
        return Books(**{name: rows for found in read for name, rows in found.items()})

    async def _read_package(self, package: str, reads: Mapping[str, Read]) -> dict[str, Sequence[Row]]:
        connection = self._connections[package]
        # Records are read as mappings are, and to make dictionaries of them costs more than the rules do.
        return {
            name: cast("Rows", await connection.fetch(read.statement))
            for name, read in reads.items()
            if read.package == package
        }


def _violations(books: Books) -> list[str]:
    return [violation for subject in SUBJECTS for violation in subject.violations(books)]
