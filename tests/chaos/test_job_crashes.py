"""Workers killed, frozen and stopped, and the broker down: each attempt begins once, and each job ends once."""

import asyncio
import itertools
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.settings import DatabaseSettings
from devstack.ports import LOOPBACK
from devstack.servers import Existing
from devstack.stack import Stack
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.jobs.observer import JobMoment
from orchestrator.jobs.record import JobStatus, JobView
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from rabbitmq.topology import job_queue_name, retry_exchange_name
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint
from tests.chaos.crash_worker import (
    CRASHABLE_WORKER_COMMAND,
    FAILS_ONCE_KIND,
    KIND,
    MID_HANDLER,
    PAUSE_SECONDS,
    POLICY,
    SampleJob,
)
from tests.chaos.network import TcpProxy, open_proxies
from tests.chaos.services import Service, all_up
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

WORKERS = ("worker", "orchestrator")  # the second worker runs in the orchestrator's place


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, crash_point: CrashPoint) -> Iterator[Stack]:
    """Two workers with their own broker. The first crashes at the crash point; both restart when killed."""
    env = {
        "LOG_LEVEL": "WARNING",
        "JOB_LEASE_SECONDS": "2",
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "JOB_RETRY_SECONDS": f"0.1,{PAUSE_SECONDS:g}",
        "OUTBOX_POLL_SECONDS": "0.1",
        CRASH_POINT_FILE: str(crash_point.file.with_suffix(".never")),
    }
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-jobs-") as folder,
        Stack(
            home=Path(folder),
            services=WORKERS,
            existing=Existing(databases={"orchestrator": database_url("orchestrator")}),
            env=env,
            service_env={"worker": {CRASH_POINT_FILE: str(crash_point.file)}},
            commands=dict.fromkeys(WORKERS, CRASHABLE_WORKER_COMMAND),
            migrate=False,
            seed=False,
            throwaway=True,
            spawn=database_url.fork_server.spawn,
        ) as running_stack,
    ):
        yield running_stack


class JobClient:
    """Enqueues jobs and reads their results. No relay runs here: the workers send the wake-up messages."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queue = JobQueue(
            writer=JobWriter(database), queries=JobQueries(database), policies=POLICIES, wake_relay=lambda: None
        )

    async def enqueue(self, number: int, *, kind: str = KIND, lane: str | None = None, gate: str = "") -> list[JobView]:
        jobs = [SampleJob(name=str(each), gate=gate) for each in range(number)]
        return [await self.queue.enqueue(kind, job, idempotency_key=str(uuid.uuid4()), lane=lane) for job in jobs]

    async def reaches(self, job: JobView, status: JobStatus) -> None:
        async def look() -> bool:
            return (await self.queue.find(job.job_id)).status is status

        await eventually(look)

    async def unsent_wake_ups(self) -> int:
        row = await self.database.fetch_one(
            text("SELECT count(*) AS wake_ups FROM outbox WHERE sent_at IS NULL AND routing_key = :kind"),
            {"kind": KIND},
        )
        return int(row["wake_ups"]) if row else 0

    async def all_complete(self, jobs: list[JobView]) -> list[JobView]:
        async def look() -> list[JobView]:
            found = [await self.queue.find(job.job_id) for job in jobs]
            assert {job.status for job in found} == {JobStatus.COMPLETED}, Counter(job.status for job in found)
            return found

        return await eventually(look)

    async def assert_each_ran_once(self, jobs: list[JobView]) -> None:
        """Check that every attempt began at most once, the last one succeeded, and its event was published once."""
        done = await self.all_complete(jobs)
        ids = [job.job_id for job in jobs]
        effects = await self._read("SELECT job_id, attempt FROM effects WHERE job_id = ANY(:ids)", ids)
        attempts = Counter((row["job_id"], row["attempt"]) for row in effects)
        assert set(attempts.values()) == {1}
        assert {(job.job_id, job.attempts) for job in done} <= set(attempts)
        announced = await self._read(
            "SELECT convert_from(body, 'UTF8')::jsonb ->> 'subject' AS job_id FROM outbox "
            "WHERE routing_key = 'job.completed' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = ANY(:ids)",
            [str(job_id) for job_id in ids],
        )
        assert Counter(row["job_id"] for row in announced) == Counter(str(job_id) for job_id in ids)
        assert await eventually(self._nothing_is_unsent)

    async def _nothing_is_unsent(self) -> bool:
        row = await self.database.fetch_one(text("SELECT count(*) AS unsent FROM outbox WHERE sent_at IS NULL"))
        return row is not None and row["unsent"] == 0

    async def _read(self, statement: str, ids: list[uuid.UUID] | list[str]) -> list[dict[str, object]]:
        return [dict(row) for row in await self.database.fetch_all(text(statement), {"ids": ids})]


@pytest.fixture(scope="module")
async def job_client(stack: Stack) -> AsyncIterator[JobClient]:
    url = stack.urls.databases["orchestrator"]
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
    await database.execute(text("CREATE TABLE effects (job_id uuid NOT NULL, attempt integer NOT NULL)"))
    yield JobClient(database)
    await database.close()


@pytest.fixture(autouse=True)
async def platform_is_healthy(stack: Stack) -> AsyncIterator[None]:
    """Start and end each test with both workers up. The invariants of other services do not apply here."""
    await eventually(lambda: all_up(stack))
    yield
    await eventually(lambda: all_up(stack))


@pytest.mark.parametrize("moment", [*JobMoment, MID_HANDLER])
async def test_worker_killed_at_every_point(
    stack: Stack, job_client: JobClient, crash_point: CrashPoint, moment: str
) -> None:
    async with Service(stack, "orchestrator").frozen():  # so that the crashing worker reaches the point
        crash_point.arm(moment, KIND)
        jobs = await job_client.enqueue(6)
        await eventually(lambda: crash_point.has_crashed)
    await job_client.assert_each_ran_once(jobs)


async def test_worker_killed_under_load(stack: Stack, job_client: JobClient) -> None:
    jobs = await job_client.enqueue(100)
    for _ in range(3):
        await Service(stack, "worker").kill()
        await eventually(lambda: all_up(stack))
    await job_client.assert_each_ran_once(jobs)


async def test_worker_frozen_for_longer_than_its_lease(stack: Stack, job_client: JobClient) -> None:
    jobs = await job_client.enqueue(20)
    async with Service(stack, "worker").frozen():
        await job_client.all_complete(jobs)
    await job_client.assert_each_ran_once(jobs)


async def test_lane_keeps_its_order_when_workers_are_killed(stack: Stack, job_client: JobClient) -> None:
    jobs = await job_client.enqueue(20, lane="ann")
    await Service(stack, "worker").kill()
    await job_client.assert_each_ran_once(jobs)
    done = await job_client.all_complete(jobs)
    for earlier, later in itertools.pairwise(done):
        assert earlier.finished_at is not None
        assert later.started_at is not None
        assert earlier.finished_at <= later.started_at


async def test_broker_down_while_jobs_are_enqueued(stack: Stack, job_client: JobClient) -> None:
    stack.rabbitmq.kill()
    try:
        jobs = await job_client.enqueue(20)
    finally:
        await asyncio.to_thread(stack.rabbitmq.start)
    await job_client.assert_each_ran_once(jobs)


@asynccontextmanager
async def single_worker_behind_proxy(stack: Stack) -> AsyncIterator[TcpProxy]:
    """Leave one worker, which reaches the broker through a proxy that can drop replies."""
    proxy = TcpProxy("rabbitmq", lambda: (LOOPBACK, stack.rabbitmq.ports.amqp))
    async with open_proxies([proxy]), Service(stack, "orchestrator").down():
        through_proxy = {"RABBITMQ_URL": proxy.url_of(stack.rabbitmq.url)}
        await asyncio.to_thread(stack.restart, "worker", env=through_proxy)
        yield proxy
    await asyncio.to_thread(stack.restart, "worker")


async def ready_in(stack: Stack, queue: str) -> int:
    """Return the number of ready messages in a queue, as the broker reports it."""
    async with await aio_pika.connect(stack.rabbitmq.url) as connection:
        found = await (await connection.channel()).declare_queue(queue, passive=True)
        return int(found.declaration_result.message_count or 0)


async def test_broker_killed_with_wake_up_messages_in_every_state(
    stack: Stack, job_client: JobClient, tmp_path: Path
) -> None:
    """Three messages: delivered and unacknowledged; waiting for a retry; stored, but unconfirmed to its sender."""
    gate = tmp_path / "gate"
    async with single_worker_behind_proxy(stack) as proxy:
        running = await job_client.enqueue(POLICY.concurrency, gate=str(gate))  # all slots of the worker
        for job in running:
            await job_client.reaches(job, JobStatus.RUNNING)
        [waiting] = await job_client.enqueue(1, kind=FAILS_ONCE_KIND)
        await eventually(lambda: ready_in(stack, retry_exchange_name(PAUSE_SECONDS)))
        async with proxy.without_replies():
            [arrived] = await job_client.enqueue(1)
            await eventually(lambda: ready_in(stack, job_queue_name(KIND)))
            assert await job_client.unsent_wake_ups() == 1
            stack.rabbitmq.kill()
        try:
            await job_client.reaches(waiting, JobStatus.RETRYING)
            gate.touch()
            done = await job_client.all_complete(running)
        finally:
            await asyncio.to_thread(stack.rabbitmq.start)
        await job_client.assert_each_ran_once([*running, waiting, arrived])
    assert {job.attempts for job in done} == {1}
    assert [job.attempts for job in await job_client.all_complete([waiting])] == [2]


async def test_worker_finishes_running_jobs_on_shutdown(stack: Stack, job_client: JobClient) -> None:
    jobs = await job_client.enqueue(40)
    await asyncio.to_thread(stack.restart, "worker")
    done = await job_client.all_complete(jobs)
    assert {job.attempts for job in done} == {1}
    await job_client.assert_each_ran_once(jobs)
