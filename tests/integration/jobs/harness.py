"""Enqueues jobs and starts workers, with a handler whose behaviour tests control."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from pydantic import BaseModel
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.message import Message
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from orchestrator.jobs.observer import LoggingJobObserver
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.record import Attempt, JobError, JobStatus, JobView
from orchestrator.jobs.registry import Handler, JobContext, Registry
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter, enqueue_in
from orchestrator.jobs.service import JobQueue
from orchestrator.jobs.worker import JobWorker, WorkerTimings
from rabbitmq.topology import platform_topology
from tests.support.servers import Vhost
from tests.support.timeouts import CONDITION_SECONDS
from tests.support.waiting import eventually

__all__ = ["JobHarness", "RecordingHandler", "SamplePayload", "policy"]

BACKOFF_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)


class SamplePayload(BaseModel):
    """The payload of the tests' jobs."""

    name: str = ""


def policy(kind: str, **rules: Any) -> JobPolicy:
    usual = {
        "max_attempts": 3,
        "retry_seconds": BACKOFF_SECONDS[:2],
        "timeout_seconds": CONDITION_SECONDS,
        "concurrency": 4,
    }
    return JobPolicy(kind, **{**usual, **rules})


POLICIES = {kind: policy(kind) for kind in ("performance", "commission", "email", "bulk")}


@dataclass
class RecordingHandler:
    """A handler that records its calls and fails with the given errors.

    ``failures`` are raised one after the other; while ``gate`` is closed no call proceeds.
    """

    failures: list[BaseException] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    attempts: Counter[tuple[uuid.UUID, int]] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    most_at_once: int = 0
    cancelled: int = 0
    _at_work: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self, payload: SamplePayload, context: JobContext) -> Mapping[str, Any]:
        self.attempts[context.job_id, context.attempt] += 1
        self.begun.append(payload.name)
        self.times.append(time.monotonic())
        self._at_work += 1
        self.most_at_once = max(self.most_at_once, self._at_work)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self._at_work -= 1
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(payload.name)
        return {"said": f"{payload.name} is done"}


class CountingObserver(LoggingJobObserver):
    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def attempt_ended(self, attempt: Attempt, outcome: str, error: JobError | None, *, seconds: float) -> None:
        super().attempt_ended(attempt, outcome, error, seconds=seconds)
        self.outcomes[outcome] += 1


class JobHarness:
    """One database, one virtual host, one queue, any number of workers."""

    def __init__(self, database: Database, vhost: Vhost) -> None:
        self.database = database
        self.vhost = vhost
        self.topology = platform_topology(retry_seconds=BACKOFF_SECONDS)
        self.publisher = Publisher(vhost.url, service="tests", topology=self.topology, timeout_seconds=3)
        self.relay = OutboxRelay(database, self.publisher, poll_seconds=0.2)
        self.publisher.broker.start()
        self.relay.start()
        self.queue = self.queue_with(POLICIES)
        self.outcomes: Counter[str] = Counter()
        self._workers: list[JobWorker] = []

    def queue_with(self, policies: Mapping[str, JobPolicy]) -> JobQueue:
        return JobQueue(
            writer=JobWriter(self.database),
            queries=JobQueries(self.database),
            policies=policies,
            wake_relay=self.relay.wake,
        )

    async def start_worker(
        self,
        *handlers: tuple[JobPolicy, Handler[Any]],
        payload_model: type[BaseModel] = SamplePayload,
        lease_seconds: float = 10.0,
        grace_seconds: float = 5.0,
        trim_seconds: float = 60.0,
        rabbitmq_url: str = "",
    ) -> JobWorker:
        """Start a worker and wait until it consumes wake-up messages; `rabbitmq_url` replaces the virtual host's URL."""
        registry, observer = Registry(), CountingObserver()
        observer.outcomes = self.outcomes
        for rules, handler in handlers:
            registry.register(rules, payload_model, handler)
        worker = JobWorker.of(
            self.database,
            registry,
            observer,
            rabbitmq_url=rabbitmq_url or self.vhost.url,
            topology=self.topology,
            policies={rules.kind: rules for rules, _ in handlers},
            broker_pauses=BACKOFF_SECONDS,
            timings=WorkerTimings(
                lease_seconds=lease_seconds,
                interval_seconds=0.1,
                redispatch_seconds=grace_seconds,
                purge_interval_seconds=trim_seconds,
            ),
            wake_relay=self.relay.wake,
        )
        worker.start()
        self._workers.append(worker)
        await worker.consumer.broker.wait_until_ready()
        return worker

    async def stop_worker(self, worker: JobWorker, *, grace_seconds: float = 1.0) -> None:
        self._workers.remove(worker)
        await worker.close(grace_seconds=grace_seconds)

    async def stop_workers(self) -> None:
        for worker in [*self._workers]:
            await self.stop_worker(worker)
        self.outcomes.clear()

    async def enqueue(self, kind: str, *names: str, **options: Any) -> list[JobView]:
        return [
            await self.queue.enqueue(kind, SamplePayload(name=name), idempotency_key=str(uuid.uuid4()), **options)
            for name in names
        ]

    async def reaches(self, job: JobView, status: JobStatus) -> JobView:
        async def current() -> JobView | None:
            found = await self.queue.find(job.job_id)
            assert found.status is status, f"{found.status}: {found.error}"
            return found

        found = await eventually(current)
        assert found is not None
        return found

    async def messages_about(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """Return the messages about jobs with this routing key."""
        statement = text("SELECT convert_from(body, 'UTF8')::jsonb AS message FROM outbox WHERE routing_key = :kind")
        return [row["message"] for row in await self.database.fetch_all(statement, {"kind": kind})]

    async def enqueue_beside(self, name: str, *, commit: bool) -> uuid.UUID:
        """Enqueue in the caller's transaction and return the job's id."""
        job = self.queue.new_job("email", SamplePayload(name=name), idempotency_key=name)
        async with self.database.transaction() as connection:
            assert await enqueue_in(connection, job)
            if not commit:
                await connection.rollback()
        self.queue.wake_relay()
        return job.job_id

    async def set_duration(self, jobs: Sequence[JobView], *, seconds: float) -> None:
        """Set the recorded duration of these jobs."""
        statement = text(
            "UPDATE jobs SET started_at = finished_at - make_interval(secs => :seconds) WHERE job_id = ANY(:job_ids)"
        )
        await self.database.execute(statement, {"seconds": seconds, "job_ids": [job.job_id for job in jobs]})

    async def lease_is_renewed(self, job: JobView, *, times: int) -> None:
        statement = text("SELECT lease_until FROM jobs WHERE job_id = :job_id")
        seen: set[Any] = set()

        async def enough() -> bool:
            row = await self.database.fetch_one(statement, {"job_id": job.job_id})
            assert row is not None
            seen.add(row["lease_until"])
            return len(seen) > times

        await eventually(enough)

    async def messages_in(self, queue: str) -> int:
        """Return the current number of messages in a queue, as the broker reports it."""
        async with await aio_pika.connect(self.vhost.url) as connection:
            found = await (await connection.channel()).declare_queue(queue, passive=True)
            return int(found.declaration_result.message_count or 0)

    async def taken_from(self, queue: str) -> Message | None:
        """Take one message out of a queue."""
        async with await aio_pika.connect(self.vhost.url) as connection:
            found = await (await connection.channel()).declare_queue(queue, passive=True)
            incoming = await found.get(no_ack=True, fail=False)
            return Message.from_bytes(incoming.body) if incoming else None

    async def purge(self) -> None:
        """Empty all queues."""
        await self.publisher.broker.wait_until_ready()
        async with await aio_pika.connect(self.vhost.url) as connection:
            channel = await connection.channel()
            for queue in self.topology.queues:
                await (await channel.get_queue(queue.name, ensure=False)).purge()

    async def close(self) -> None:
        await self.relay.close()
        await self.publisher.broker.close()
