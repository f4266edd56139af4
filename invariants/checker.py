"""Reads all databases and applies all rules."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, Self, cast

import asyncpg

from invariants import (
    cancelled_events,
    commissions,
    digital_goods,
    earnings,
    escrows,
    idle,
    ledger,
    orders,
    payments,
    purchased_items,
    refunds,
    resales,
    seats,
)
from invariants.report import Report
from invariants.snapshot import QUERIES, Query, Row, Rows, Snapshot

__all__ = ["InvariantChecker", "InvariantsBroken", "PlatformUrls", "check", "require", "settle"]

PACKAGES: Final = ("users", "orders", "events", "inventory", "orchestrator")
SETTLE_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
SUBJECTS: Final = (
    idle, ledger, seats, orders, refunds, resales, escrows, cancelled_events, payments, purchased_items, earnings,
    commissions, digital_goods,
)  # fmt: skip


class PlatformUrls(Protocol):
    """Where the databases are, by package."""

    @property
    def databases(self) -> Mapping[str, str]: ...


class InvariantsBroken(AssertionError):
    """The message has one violation per line."""


async def require(urls: PlatformUrls, *, settle_seconds: float = SETTLE_SECONDS) -> None:
    """Wait until the platform is idle, then check.

    Raises:
        InvariantsBroken: an invariant is violated.
    """
    async with InvariantChecker(urls) as checker:
        await checker.require(settle_seconds=settle_seconds)


async def settle(urls: PlatformUrls, *, timeout_seconds: float = SETTLE_SECONDS) -> None:
    """Return once no saga is unfinished and every message is sent, or after the timeout."""
    async with InvariantChecker(urls) as checker:
        await checker.settle(timeout_seconds=timeout_seconds)


async def check(urls: PlatformUrls) -> list[str]:
    """Return every violation as a sentence."""
    async with InvariantChecker(urls) as checker:
        return await checker.check()


class InvariantChecker:
    """Keeps one connection to each database, for repeated checks. It only reads, each database in one snapshot."""

    def __init__(self, urls: PlatformUrls) -> None:
        self._urls = urls.databases
        self._connections: dict[str, asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        for package in PACKAGES:
            url = self._urls[package].replace("+asyncpg", "")
            read_only = {"default_transaction_read_only": "on"}
            self._connections[package] = await asyncpg.connect(url, server_settings=read_only)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def require(self, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        """Do the same as the function `require`."""
        deadline = time.monotonic() + settle_seconds
        while True:
            await self.settle(timeout_seconds=deadline - time.monotonic())
            snapshot = await self._read(QUERIES)
            violations = _violations(snapshot)
            if not violations:
                return
            # An email or a job may have started work between the two reads: check again once it is done.
            if not idle.violations(snapshot) or time.monotonic() >= deadline:
                raise InvariantsBroken("\n".join(violations))

    async def settle(self, *, timeout_seconds: float = SETTLE_SECONDS) -> None:
        """Do the same as the function `settle`."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if not idle.violations(await self._read(idle.QUERIES)):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def check(self) -> list[str]:
        """Do the same as the function `check`."""
        return _violations(await self._read(QUERIES))

    async def report(self) -> Report:
        """Return every violation, sorted by what an operator does about it."""
        snapshot = await self._read(QUERIES)
        return Report.of(snapshot, _violations(snapshot))

    async def _read(self, queries: Mapping[str, Query]) -> Snapshot:
        packages = await asyncio.gather(*(self._read_package(package, queries) for package in PACKAGES))
        return Snapshot(**{name: rows for package in packages for name, rows in package.items()})

    async def _read_package(self, package: str, queries: Mapping[str, Query]) -> dict[str, Sequence[Row]]:
        connection = self._connections[package]
        # Records have the interface of mappings; converting them to dictionaries takes longer than the rules do.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {
                name: cast("Rows", await connection.fetch(query.statement))
                for name, query in queries.items()
                if query.package == package
            }


def _violations(snapshot: Snapshot) -> list[str]:
    return [violation for subject in SUBJECTS for violation in subject.violations(snapshot)]
