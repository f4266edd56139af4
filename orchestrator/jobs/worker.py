"""A worker's part in jobs, put together: takes tokens, tries jobs, looks after those that nobody has in hand."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Self

from common.db.engine import Database
from common.messaging.topology import Topology
from orchestrator.jobs.consumer import JobConsumer
from orchestrator.jobs.observer import JobObserver
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.repository.attempts import Attempts
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.jobs.runner import JobRunner
from orchestrator.jobs.scheduler import Scheduler

__all__ = ["JobWorker", "WorkPace"]

HAND_BACK_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPace:
    """How often a worker looks, and how long it is waited for (all in seconds)."""

    lease_seconds: float
    interval_seconds: float
    grace_seconds: float
    trim_seconds: float


@dataclass(frozen=True, slots=True)
class JobWorker:
    runner: JobRunner
    consumer: JobConsumer
    scheduler: Scheduler

    @classmethod
    def of(
        cls,
        database: Database,
        registry: Registry,
        observer: JobObserver,
        *,
        rabbitmq_url: str,
        topology: Topology,
        policies: Mapping[str, JobPolicy],
        waits_on_broker: Collection[float],
        pace: WorkPace,
        on_announced: Callable[[], None],
    ) -> Self:
        """Construct it. Nothing connects before `start`.

        Args:
            waits_on_broker: the pauses between tries for which the topology has a queue.
            on_announced: called after a write that left messages in the outbox.
        """
        attempts = Attempts(database, lease_seconds=pace.lease_seconds)
        runner = JobRunner(attempts, registry, observer, waits_on_broker=waits_on_broker, on_announced=on_announced)
        consumer = JobConsumer(rabbitmq_url, service="worker", topology=topology, registry=registry, work=runner.work)
        scheduler = Scheduler(
            JobMaintenance(database),
            runner,
            consumer,
            policies=policies,
            on_announced=on_announced,
            interval_seconds=pace.interval_seconds,
            grace_seconds=pace.grace_seconds,
            trim_seconds=pace.trim_seconds,
        )
        return cls(runner, consumer, scheduler)

    def start(self) -> None:
        self.runner.start()
        self.consumer.broker.start()
        self.scheduler.start()

    async def close(self, *, grace_seconds: float) -> None:
        """Take no more tokens, let what is in hand end in time, and hand the rest back."""
        await self.consumer.stop()
        if not await self.consumer.finished(within_seconds=grace_seconds):
            self.runner.hand_back()
            await self.consumer.finished(within_seconds=HAND_BACK_SECONDS)
        await self.scheduler.close()
        await self.consumer.close()
        await self.runner.close()
