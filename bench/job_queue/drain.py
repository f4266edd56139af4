"""Fills a queue and lets workers drain it."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psutil
from pydantic import SecretStr
from sqlalchemy import text

from bench.errors import BenchFailedError
from bench.job_queue.worker import POLICY, Nothing
from common.db.engine import Database
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.settings import DatabaseSettings
from devstack.home import ROOT
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from rabbitmq.topology import platform_topology

__all__ = ["Drain", "Drained"]

ENQUEUERS: Final = 16
POLL_SECONDS: Final = 0.1
STALLED_SECONDS: Final = 60.0

# The count is by kind: a worker also enqueues jobs that reconcile payments.
_LEFT: Final = text("SELECT count(*) AS jobs FROM jobs WHERE status <> 'completed' AND kind = :kind")
_UNSENT: Final = text("SELECT count(*) AS messages FROM outbox WHERE sent_at IS NULL")
_TOOK: Final = text(
    """
    SELECT extract(epoch FROM max(finished_at) - min(started_at)) AS seconds, count(*) AS jobs,
        sum(attempts) AS attempts FROM jobs WHERE kind = :kind
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """Rates in jobs per second; memory of one worker in MiB, after a tenth of the jobs and at the end."""

    workers: int
    enqueued_rate: float
    rate: float
    early_memory: float
    late_memory: float
    kept: int


class Drain:
    def __init__(self, *, database_url: str, rabbitmq_url: str, jobs: int) -> None:
        self._urls = {"DATABASE_URL": database_url, "RABBITMQ_URL": rabbitmq_url}
        self._jobs = jobs
        self._database = Database(DatabaseSettings(database_url=SecretStr(database_url)), application_name="bench")
        self._queries = JobQueries(self._database)
        self._rabbitmq_url = rabbitmq_url

    async def measure(self, *, workers: int) -> Drained:
        """Fill the queue while no worker runs, then let this many workers drain it.

        Raises:
            BenchFailedError: a job was attempted more than once or not completed.
        """
        await self._database.execute(text("TRUNCATE jobs, job_keys, job_tallies, outbox"))
        seconds = await self._fill()
        with _running_workers(workers, self._urls) as processes:
            early, late = await self._drained(processes)
        took = await self._database.fetch_one(_TOOK, {"kind": POLICY.kind})
        if took is None or (took["jobs"], took["attempts"]) != (self._jobs, self._jobs):
            raise BenchFailedError(f"not every job completed in one attempt: {took}")
        await JobMaintenance(self._database).delete_old_jobs(POLICIES[POLICY.kind])
        _, kept = await self._queries.page(kind=POLICY.kind, status=None, limit=1, offset=0)
        return Drained(
            workers=workers,
            enqueued_rate=self._jobs / seconds,
            rate=self._jobs / float(took["seconds"]),
            early_memory=early,
            late_memory=late,
            kept=kept.number,
        )

    async def close(self) -> None:
        await self._database.close()

    async def _fill(self) -> float:
        """Enqueue all jobs and send their wake-up messages; return the seconds it took."""
        publisher = Publisher(self._rabbitmq_url, service="bench", topology=platform_topology(), timeout_seconds=10)
        relay = OutboxRelay(self._database, publisher, poll_seconds=0.2)
        queue = JobQueue(
            writer=JobWriter(self._database), queries=self._queries, policies=POLICIES, wake_relay=relay.wake
        )
        numbers = iter(range(self._jobs))

        async def enqueue_next() -> None:
            for number in numbers:
                await queue.enqueue(POLICY.kind, Nothing(number=number), idempotency_key=str(number))

        publisher.broker.start()
        relay.start()
        await publisher.broker.wait_until_ready()
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(enqueue_next() for _ in range(ENQUEUERS)))
        while await self._count(_UNSENT, "messages"):  # noqa: ASYNC110 - the database does not notify
            await asyncio.sleep(POLL_SECONDS)
        seconds = asyncio.get_running_loop().time() - began
        await relay.close()
        await publisher.broker.close()
        return seconds

    async def _drained(self, processes: Sequence[psutil.Process]) -> tuple[float, float]:
        """Wait until all jobs are completed; return the largest worker's memory early on and at the end."""
        early, fewest, progressed_at = 0.0, self._jobs, asyncio.get_running_loop().time()
        while remaining := await self._count(_LEFT, "jobs"):
            now = asyncio.get_running_loop().time()
            if remaining < fewest:
                fewest, progressed_at = remaining, now
            if now - progressed_at > STALLED_SECONDS:
                raise BenchFailedError(f"{remaining} jobs remain and none completes")
            if not early and remaining < 0.9 * self._jobs:
                early = _memory(processes)
            await asyncio.sleep(POLL_SECONDS)
        return early, _memory(processes)

    async def _count(self, statement: object, name: str) -> int:
        row = await self._database.fetch_one(statement, {"kind": POLICY.kind})  # type: ignore[arg-type]
        return int(row[name]) if row else 0


def _memory(processes: Sequence[psutil.Process]) -> float:
    return max(float(process.memory_info().rss) for process in processes) / 2**20


@contextmanager
def _running_workers(workers: int, urls: dict[str, str]) -> Iterator[list[psutil.Process]]:
    env = os.environ | urls | {"ENV": "dev", "LOG_LEVEL": "WARNING", "QR_KEYS": f"k1:{'A' * 43}"}
    started = []
    try:
        for _ in range(workers):
            command = [sys.executable, "-m", "bench.job_queue.worker"]
            started.append(subprocess.Popen(command, env=env | {"PORT": str(_free_port())}, cwd=ROOT))  # noqa: S603
        yield [psutil.Process(process.pid) for process in started]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
