"""PostgreSQL alone: pgbench runs a workload's SQL on the platform's server."""

import asyncio
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bench.cpu import CpuMeter, CpuUse
from bench.errors import BenchFailedError
from bench.workloads import Workload
from devstack.database import clone_database, connected, create_databases, database_url, drop_database, service_url
from devstack.home import ROOT, Home
from devstack.postgres_files import postgres_files
from devstack.stack import Stack

__all__ = ["Pgbench", "PgbenchRun"]

PACKAGES: Final = ("users", "orders", "inventory")
THREADS: Final = 2  # of pgbench: the number of processors of the reference machine
RATE: Final = re.compile(r"^tps = ([\d.]+) \(without initial connection time\)$", flags=re.MULTILINE)
DONE: Final = re.compile(r"^number of transactions actually processed: (\d+)/(\d+)$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PgbenchRun:
    """One run; `attempts` equals `done` unless seats are contended."""

    attempts: int
    done: int
    seconds: float
    cpu: CpuUse


class Pgbench:
    """Runs in a separate database with the tables of three services, one schema each, created by their migrations.

    Args:
        database: the name of the database; its template is ``<name>_template``.
    """

    def __init__(self, stack: Stack, meter: CpuMeter, *, database: str = "bench") -> None:
        self._server = stack.postgres_url
        self._program = postgres_files(Home(stack.home)).programs / "pgbench"
        self._meter = meter
        self._database = database
        self._template = f"{database}_template"

    def prepare(self) -> None:
        """Create the template that each run's database is copied from."""
        create_databases(self._server, [self._template])
        for package in PACKAGES:
            # The search path applies to new connections, so the migration creates its tables in this schema.
            asyncio.run(
                self._execute(
                    self._template,
                    f"CREATE SCHEMA {package}",
                    f"ALTER DATABASE {self._template} SET search_path = {package}",
                )
            )
            env = os.environ | {"ENV": "dev", "DATABASE_URL": service_url(self._server, self._template)}
            subprocess.run([sys.executable, "-m", package, "migrate"], env=env, cwd=ROOT, check=True)  # noqa: S603

    def run(self, workload: Workload, *, clients: int) -> PgbenchRun:
        """Fill a new database and run the workload with this many clients.

        Raises:
            BenchFailedError: pgbench failed or did not do all the work.
        """
        drop_database(self._server, self._database)
        clone_database(self._server, template=self._template, name=self._database)
        asyncio.run(self._execute(self._database, workload.fill, "VACUUM ANALYZE", "CHECKPOINT"))
        self._meter.start()
        output = self._run_program(workload, clients=clients)
        cpu = self._meter.stop()
        counted = asyncio.run(self._count(workload.count))
        drop_database(self._server, self._database)
        rate, done = RATE.search(output), DONE.search(output)
        if not rate or not done or done[1] != done[2] or counted != workload.expected:
            raise BenchFailedError(f"pgbench did {counted} of {workload.expected}:\n{output}")
        seconds = workload.attempts / float(rate[1])
        return PgbenchRun(attempts=workload.attempts, done=counted, seconds=seconds, cpu=cpu)

    def _run_program(self, workload: Workload, *, clients: int) -> str:
        finished = subprocess.run(  # noqa: S603
            [
                self._program,
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                f"--jobs={THREADS}",
                f"--transactions={workload.attempts // clients}",
                "--file=-",
                *(f"--define={name}={value}" for name, value in workload.variables.items()),
                f"--define=clients={clients}",
                "--define=mine=0",
                self._database,
            ],
            env=self._environment(),
            input=workload.script,
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
        async with connected(database_url(self._server, database)) as connection:
            for statement in statements:
                await connection.execute(statement)

    async def _count(self, statement: str) -> int:
        async with connected(database_url(self._server, self._database)) as connection:
            return int(await connection.fetchval(statement))
