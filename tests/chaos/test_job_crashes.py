"""Workers killed, frozen and stopped, and the broker gone: each try is begun once, and each job ends once."""

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
from tests.chaos.crash_orchestrator import DOOM_FILE, Doom
from tests.chaos.crash_worker import (
    DOOMED_WORKER_COMMAND,
    KIND,
    MID_HANDLER,
    PAUSE_SECONDS,
    POLICY,
    STUMBLING_KIND,
    Errand,
)
from tests.chaos.network import Line, open_lines
from tests.chaos.services import Service, all_up
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

WORKERS = ("worker", "orchestrator")  # the second one takes the orchestrator's place


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, doom: Doom) -> Iterator[Stack]:
    """Two workers with a broker of their own. The first dies when doomed; both rise again when killed."""
    env = {
        "LOG_LEVEL": "WARNING",
        "JOB_LEASE_SECONDS": "2",
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "JOB_RETRY_SECONDS": f"0.1,{PAUSE_SECONDS:g}",
        "OUTBOX_POLL_SECONDS": "0.1",
        DOOM_FILE: str(doom.file.with_suffix(".never")),
    }
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-jobs-") as folder,
        Stack(
            home=Path(folder),
            services=WORKERS,
            existing=Existing(databases={"orchestrator": database_url("orchestrator")}),
            env=env,
            service_env={"worker": {DOOM_FILE: str(doom.file)}},
            commands=dict.fromkeys(WORKERS, DOOMED_WORKER_COMMAND),
            migrate=False,
            seed=False,
            throwaway=True,
            spawn=database_url.fork_server.spawn,
        ) as running,
    ):
        yield running


class Desk:
    """Enqueues, and looks at what came of it. No relay runs here: the workers send what is enqueued."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queue = JobQueue(
            writer=JobWriter(database), queries=JobQueries(database), policies=POLICIES, on_enqueued=lambda: None
        )

    async def enqueue(
        self, number: int, *, kind: str = KIND, lane: str | None = None, until: str = ""
    ) -> list[JobView]:
        errands = [Errand(name=str(each), until=until) for each in range(number)]
        return [
            await self.queue.enqueue(kind, errand, idempotency_key=str(uuid.uuid4()), lane=lane) for errand in errands
        ]

    async def reaches(self, job: JobView, status: JobStatus) -> None:
        async def look() -> bool:
            return (await self.queue.find(job.job_id)).status is status

        await eventually(look)

    async def unsent_tokens(self) -> int:
        row = await self.database.fetch_one(
            text("SELECT count(*) AS tokens FROM outbox WHERE sent_at IS NULL AND routing_key = :kind"), {"kind": KIND}
        )
        return int(row["tokens"]) if row else 0

    async def all_complete(self, jobs: list[JobView]) -> list[JobView]:
        async def look() -> list[JobView]:
            found = [await self.queue.find(job.job_id) for job in jobs]
            assert {job.status for job in found} == {JobStatus.COMPLETED}, Counter(job.status for job in found)
            return found

        return await eventually(look)

    async def assert_done_properly(self, jobs: list[JobView]) -> None:
        """Every try was begun once at most, the last one brought the result, and that was told once."""
        done = await self.all_complete(jobs)
        ids = [job.job_id for job in jobs]
        effects = await self._read("SELECT job_id, attempt FROM effects WHERE job_id = ANY(:ids)", ids)
        tries = Counter((row["job_id"], row["attempt"]) for row in effects)
        assert set(tries.values()) == {1}
        assert {(job.job_id, job.attempts) for job in done} <= set(tries)
        told = await self._read(
            "SELECT convert_from(body, 'UTF8')::jsonb ->> 'subject' AS job_id FROM outbox "
            "WHERE routing_key = 'job.completed' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = ANY(:ids)",
            [str(job_id) for job_id in ids],
        )
        assert Counter(row["job_id"] for row in told) == Counter(str(job_id) for job_id in ids)
        assert await eventually(self._nothing_is_unsent)

    async def _nothing_is_unsent(self) -> bool:
        row = await self.database.fetch_one(text("SELECT count(*) AS unsent FROM outbox WHERE sent_at IS NULL"))
        return row is not None and row["unsent"] == 0

    async def _read(self, statement: str, ids: list[uuid.UUID] | list[str]) -> list[dict[str, object]]:
        return [dict(row) for row in await self.database.fetch_all(text(statement), {"ids": ids})]


@pytest.fixture(scope="module")
async def desk(stack: Stack) -> AsyncIterator[Desk]:
    url = stack.urls.databases["orchestrator"]
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
    await database.execute(text("CREATE TABLE effects (job_id uuid NOT NULL, attempt integer NOT NULL)"))
    yield Desk(database)
    await database.close()


@pytest.fixture(autouse=True)
async def calm_before_and_after(stack: Stack) -> AsyncIterator[None]:
    """Begin and end with both workers up. There is nothing here for the books of the other services."""
    await eventually(lambda: all_up(stack))
    yield
    await eventually(lambda: all_up(stack))


@pytest.mark.parametrize("moment", [*JobMoment, MID_HANDLER])
async def test_worker_killed_at_every_point(stack: Stack, desk: Desk, doom: Doom, moment: str) -> None:
    async with Service(stack, "orchestrator").frozen():  # so that it is the doomed one who gets there
        doom.arm(moment, KIND)
        jobs = await desk.enqueue(6)
        await eventually(lambda: doom.has_struck)
    await desk.assert_done_properly(jobs)


async def test_two_workers_of_which_one_is_killed_under_load(stack: Stack, desk: Desk) -> None:
    jobs = await desk.enqueue(100)
    for _ in range(3):
        await Service(stack, "worker").kill()
        await eventually(lambda: all_up(stack))
    await desk.assert_done_properly(jobs)


async def test_worker_frozen_for_longer_than_its_lease(stack: Stack, desk: Desk) -> None:
    jobs = await desk.enqueue(20)
    async with Service(stack, "worker").frozen():
        await desk.all_complete(jobs)
    await desk.assert_done_properly(jobs)


async def test_lane_keeps_its_order_when_workers_are_killed(stack: Stack, desk: Desk) -> None:
    jobs = await desk.enqueue(20, lane="ann")
    await Service(stack, "worker").kill()
    await desk.assert_done_properly(jobs)
    done = await desk.all_complete(jobs)
    for earlier, later in itertools.pairwise(done):
        assert earlier.finished_at is not None
        assert later.started_at is not None
        assert earlier.finished_at <= later.started_at


async def test_broker_gone_while_jobs_are_enqueued(stack: Stack, desk: Desk) -> None:
    stack.rabbitmq.kill()
    try:
        jobs = await desk.enqueue(20)
    finally:
        await asyncio.to_thread(stack.rabbitmq.start)
    await desk.assert_done_properly(jobs)


@asynccontextmanager
async def worker_alone_on_a_line(stack: Stack) -> AsyncIterator[Line]:
    """One worker, which reaches the broker by a line that can lose replies."""
    line = Line("rabbitmq", lambda: (LOOPBACK, stack.rabbitmq.ports.amqp))
    async with open_lines([line]), Service(stack, "orchestrator").down():
        over_line = {"RABBITMQ_URL": f"amqp://guest:guest@{LOOPBACK}:{line.port}/"}
        await asyncio.to_thread(stack.restart, "worker", env=over_line)
        yield line
    await asyncio.to_thread(stack.restart, "worker")


async def ready_in(stack: Stack, queue: str) -> int:
    """Return how many messages a queue has to give, as the broker says at this moment."""
    async with await aio_pika.connect(stack.rabbitmq.url) as connection:
        found = await (await connection.channel()).declare_queue(queue, passive=True)
        return int(found.declaration_result.message_count or 0)


async def test_broker_killed_with_a_token_at_every_point(stack: Stack, desk: Desk, tmp_path: Path) -> None:
    """Delivered and not acknowledged; waiting for the next try; arrived, and its sender was not told."""
    gate = tmp_path / "gate"
    async with worker_alone_on_a_line(stack) as line:
        in_hand = await desk.enqueue(POLICY.concurrency, until=str(gate))  # so that it takes no other
        for job in in_hand:
            await desk.reaches(job, JobStatus.RUNNING)
        [waiting] = await desk.enqueue(1, kind=STUMBLING_KIND)
        await eventually(lambda: ready_in(stack, retry_exchange_name(PAUSE_SECONDS)))
        async with line.without_replies():
            [arrived] = await desk.enqueue(1)
            await eventually(lambda: ready_in(stack, job_queue_name(KIND)))
            assert await desk.unsent_tokens() == 1
            stack.rabbitmq.kill()
        try:
            await desk.reaches(waiting, JobStatus.RETRYING)
            gate.touch()
            done = await desk.all_complete(in_hand)
        finally:
            await asyncio.to_thread(stack.rabbitmq.start)
        await desk.assert_done_properly([*in_hand, waiting, arrived])
    assert {job.attempts for job in done} == {1}
    assert [job.attempts for job in await desk.all_complete([waiting])] == [2]


async def test_worker_stopped_properly_leaves_nothing_in_hand(stack: Stack, desk: Desk) -> None:
    jobs = await desk.enqueue(40)
    await asyncio.to_thread(stack.restart, "worker")
    done = await desk.all_complete(jobs)
    assert {job.attempts for job in done} == {1}
    await desk.assert_done_properly(jobs)
