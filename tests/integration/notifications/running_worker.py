"""A worker that sends real emails and deliveries: its jobs in a real database, its wake-up messages on a real broker."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from common.db.engine import Database
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from orchestrator.jobs.observer import LoggingJobObserver
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from orchestrator.jobs.worker import JobWorker, WorkerTimings
from rabbitmq.topology import platform_topology
from tests.support.servers import Vhost

__all__ = ["running_worker"]

PACE: Final = WorkerTimings(
    lease_seconds=15.0, interval_seconds=0.05, redispatch_seconds=0.1, purge_interval_seconds=0.1
)


@asynccontextmanager
async def running_worker(
    database: Database,
    vhost: Vhost,
    *,
    policies: Mapping[str, JobPolicy],
    register: Callable[[Registry, JobQueue], None],
) -> AsyncIterator[JobQueue]:
    """Run a worker with these handlers and yield the queue for its jobs."""
    topology = platform_topology()
    publisher = Publisher(vhost.url, service="tests", topology=topology, timeout_seconds=3)
    relay = OutboxRelay(database, publisher, poll_seconds=0.1)
    queue = JobQueue(writer=JobWriter(database), queries=JobQueries(database), policies=policies, wake_relay=relay.wake)
    registry = Registry()
    register(registry, queue)
    worker = JobWorker.of(
        database,
        registry,
        LoggingJobObserver(),
        rabbitmq_url=vhost.url,
        topology=topology,
        policies={work.policy.kind: work.policy for work in registry},
        broker_pauses=(),
        timings=PACE,
        wake_relay=relay.wake,
    )
    publisher.broker.start()
    relay.start()
    worker.start()
    try:
        await worker.consumer.broker.wait_until_ready()
        yield queue
    finally:
        await worker.close(grace_seconds=0.0)
        await relay.close()
        await publisher.broker.close()
