"""The parts of a worker that run jobs: consumer, runner and scheduler."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Self

from common.db.engine import Database
from common.messaging.declarations import Topology
from common.periodic import PeriodicTask
from orchestrator.jobs.consumer import JobConsumer
from orchestrator.jobs.observer import JobObserver
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.repository.attempts import JobAttempts
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.jobs.runner import JobRunner
from orchestrator.jobs.scheduler import Scheduler, WorkerTimings

__all__ = ["JobWorker", "WorkerTimings"]

HAND_BACK_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class JobWorker:
    runner: JobRunner
    consumer: JobConsumer
    periodic: list[PeriodicTask]

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
        broker_pauses: Collection[float],
        timings: WorkerTimings,
        wake_relay: Callable[[], None],
    ) -> Self:
        """Construct it. Nothing connects before `start`.

        Args:
            broker_pauses: the pauses between attempts for which the topology has a queue.
            wake_relay: called after a write that left messages in the outbox.
        """
        runner = JobRunner(
            attempts=JobAttempts(database, lease_seconds=timings.lease_seconds),
            registry=registry,
            observer=observer,
            broker_pauses=broker_pauses,
            wake_relay=wake_relay,
        )
        consumer = JobConsumer(rabbitmq_url, service="worker", topology=topology, registry=registry, work=runner.work)
        scheduler = Scheduler(
            maintenance=JobMaintenance(database),
            runner=runner,
            consumer=consumer,
            policies=policies,
            wake_relay=wake_relay,
            timings=timings,
        )
        return cls(runner, consumer, scheduler.tasks())

    def start(self) -> None:
        self.runner.start()
        self.consumer.broker.start()
        for task in self.periodic:
            task.start()

    async def close(self, *, grace_seconds: float) -> None:
        """Stop consuming, let running attempts end in time, and hand the others back."""
        await self.consumer.stop()
        if not await self.consumer.finished(within_seconds=grace_seconds):
            self.runner.hand_back()
            await self.consumer.finished(within_seconds=HAND_BACK_SECONDS)
        for task in self.periodic:
            await task.close()
        await self.consumer.close()
        await self.runner.close()
