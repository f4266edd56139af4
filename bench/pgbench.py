"""What PostgreSQL alone can do: pgbench, writing a purchase's rows on the platform's own server."""

import asyncio
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from bench.cpu import CpuMeter, CpuUse
from bench.errors import BenchFailedError
from devstack.database import clone_database, create_databases, database_url, drop_database, service_url
from devstack.home import ROOT, Home
from devstack.postgres_files import postgres_files
from devstack.stack import Stack

__all__ = ["Contention", "Pgbench", "PgbenchRun"]

SQL: Final = Path(__file__).parent / "sql"
PACKAGES: Final = ("users", "orders", "inventory")
THREADS: Final = 2  # of pgbench itself: as many as the reference machine has processors
RATE: Final = re.compile(r"^tps = ([\d.]+) \(without initial connection time\)$", flags=re.MULTILINE)
DONE: Final = re.compile(r"^number of transactions actually processed: (\d+)/(\d+)$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """In every group of `buyers` attempts there are `seats` seats to be had."""

    buyers: int = 1
    seats: int = 1

    def seats_for(self, attempts: int) -> int:
        groups, rest = divmod(attempts, self.buyers)
        return groups * self.seats + min(rest, self.seats)


NONE: Final = Contention()


@dataclass(frozen=True, slots=True, kw_only=True)
class PgbenchRun:
    """`attempts` equals `sold` where everybody gets a seat."""

    attempts: int
    sold: int
    seconds: float
    cpu: CpuUse


class Pgbench:
    """Runs in a database of its own, which has the tables of three services, a schema each, made by their migrations.

    Args:
        database: its name; beside it there is a template.
    """

    def __init__(self, stack: Stack, meter: CpuMeter, *, clients: int, database: str = "bench") -> None:
        self._server = stack.postgres_url
        self._program = postgres_files(Home(stack.home)).programs / "pgbench"
        self._meter = meter
        self._clients = clients
        self._database = database
        self._template = f"{database}_template"

    def prepare(self) -> None:
        """Make the template that each run's database is copied from."""
        create_databases(self._server, [self._template])
        for package in PACKAGES:
            # The path counts for new connections, so these tables go to this package's schema.
            asyncio.run(
                self._execute(
                    self._template,
                    f"CREATE SCHEMA {package}",
                    f"ALTER DATABASE {self._template} SET search_path = {package}",
                )
            )
            env = os.environ | {"ENV": "dev", "DATABASE_URL": service_url(self._server, self._template)}
            subprocess.run([sys.executable, "-m", package, "migrate"], env=env, cwd=ROOT, check=True)  # noqa: S603

    def run(self, *, attempts: int, hall_size: int, contention: Contention = NONE) -> PgbenchRun:
        """Fill a fresh database and buy.

        Raises:
            BenchFailedError: pgbench did other work than it was told to.
        """
        attempts -= attempts % self._clients
        seats = contention.seats_for(attempts)
        self._fill(seats=max(seats, hall_size), fans=attempts, hall_size=hall_size)
        self._meter.start()
        output = self._buy(attempts=attempts, hall_size=hall_size, contention=contention)
        cpu = self._meter.stop()
        sold = asyncio.run(self._count_sold())
        drop_database(self._server, self._database)
        rate, done = RATE.search(output), DONE.search(output)
        if not rate or not done or done[1] != done[2] or sold != seats:
            raise BenchFailedError(f"pgbench sold {sold} of {seats} seats:\n{output}")
        return PgbenchRun(attempts=attempts, sold=sold, seconds=attempts / float(rate[1]), cpu=cpu)

    def _fill(self, *, seats: int, fans: int, hall_size: int) -> None:
        drop_database(self._server, self._database)
        clone_database(self._server, template=self._template, name=self._database)
        fill = (SQL / "fill.sql").read_text().format(seats=seats, fans=fans, hall_size=hall_size)
        asyncio.run(self._execute(self._database, fill, "VACUUM ANALYZE", "CHECKPOINT"))

    def _buy(self, *, attempts: int, hall_size: int, contention: Contention) -> str:
        lock = "NOWAIT" if contention == NONE else "SKIP LOCKED"
        script = (SQL / "purchase.sql").read_text().replace("{lock}", lock)
        variables = {
            "mine": 0,
            "clients": self._clients,
            "hall_size": hall_size,
            "buyers": contention.buyers,
            "seats": contention.seats,
        }
        command: list[str | Path] = [
            self._program,
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={self._clients}",
            f"--jobs={THREADS}",
        ]
        command += [f"--transactions={attempts // self._clients}", "--file=-"]
        command += [f"--define={name}={value}" for name, value in variables.items()]
        finished = subprocess.run(  # noqa: S603
            [*command, self._database],
            env=self._environment(),
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise BenchFailedError(f"pgbench failed:\n{finished.stderr}")
        return finished.stdout

    def _environment(self) -> dict[str, str]:
        server = urlsplit(self._server)
        return {
            "PGHOST": str(server.hostname),
            "PGPORT": str(server.port),
            "PGUSER": str(server.username),
            "PGPASSWORD": str(server.password),
        }

    async def _execute(self, database: str, *statements: str) -> None:
        connection = await asyncpg.connect(database_url(self._server, database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _count_sold(self) -> int:
        connection = await asyncpg.connect(database_url(self._server, self._database))
        try:
            statement = """
                SELECT count(*) FROM inventory.seats JOIN orders.orders ON order_id = hold_id
                    JOIN users.ledger_transactions ON reference = replace(order_id::text, '-', '')
                WHERE seats.status = 'SOLD' AND orders.status = 'CONFIRMED'
            """
            return int(await connection.fetchval(statement))
        finally:
            await connection.close()
