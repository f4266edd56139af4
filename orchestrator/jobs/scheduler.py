"""Handles jobs that no worker runs: delayed, lost, or ready without a wake-up message. Every worker has a scheduler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from common.periodic import PeriodicTask, repeat_while_full
from common.telemetry.logs import get_logger
from orchestrator.jobs.consumer import JobConsumer
from orchestrator.jobs.observer import JOBS_DEAD, JOBS_OLDEST_WAITING, set_counts, set_gauge
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.jobs.runner import JobRunner

__all__ = ["Scheduler", "WorkerTimings"]

BATCH: Final = 500
COUNT_INTERVAL_SECONDS: Final = 5.0
# A busy kind may also lose wake-up messages; without a resend, its jobs of low priority would wait for ever.
BUSY_FACTOR: Final = 10

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimings:
    """A worker's intervals in seconds.

    Args:
        interval_seconds: how often delayed and lost jobs are looked for.
        redispatch_seconds: an idle kind with jobs that have been ready for so long gets new wake-up messages; a busy
            kind gets a few after ten times as long.
        purge_interval_seconds: how often finished jobs beyond what policies keep are deleted.
    """

    lease_seconds: float
    interval_seconds: float
    redispatch_seconds: float
    purge_interval_seconds: float


@dataclass(slots=True, kw_only=True, eq=False)
class Scheduler:
    """Runs periodic tasks; SKIP LOCKED shares the work among workers."""

    maintenance: JobMaintenance
    runner: JobRunner
    consumer: JobConsumer
    policies: Mapping[str, JobPolicy]
    wake_relay: Callable[[], None]
    timings: WorkerTimings

    def tasks(self) -> list[PeriodicTask]:
        timings = self.timings
        return [
            PeriodicTask(work, name=f"jobs: {name}", interval_seconds=seconds, retry_seconds=timings.interval_seconds)
            for name, work, seconds in (
                ("recover lost jobs", self._recover_lost, timings.interval_seconds),
                ("send due wake-ups", self._send_due, timings.interval_seconds),
                ("resend wake-ups to idle kinds", self._resend_to_idle, timings.redispatch_seconds),
                ("resend wake-ups to busy kinds", self._resend_to_busy, BUSY_FACTOR * timings.redispatch_seconds),
                ("count", self._count, COUNT_INTERVAL_SECONDS),
                ("delete old", self._delete_old, timings.purge_interval_seconds),
            )
        ]

    async def _recover_lost(self) -> None:
        await repeat_while_full(self.runner.recover_lost, batch=BATCH)

    async def _send_due(self) -> None:
        sent = BATCH
        while sent == BATCH:
            sent = await self.maintenance.send_due_wake_ups(batch=BATCH)
            if sent:
                self.wake_relay()

    async def _resend_to_idle(self) -> None:
        seconds = self.timings.redispatch_seconds
        for kind in await self.consumer.idle_kinds(since_seconds=seconds):
            await self._resend(kind, grace_seconds=seconds, batch=BATCH)

    async def _resend_to_busy(self) -> None:
        """Send as many messages as there are slots, so that a long but healthy queue is not flooded."""
        seconds = BUSY_FACTOR * self.timings.redispatch_seconds
        for policy in await self.consumer.open_kinds():
            await self._resend(policy.kind, grace_seconds=seconds, batch=policy.concurrency)

    async def _resend(self, kind: str, *, grace_seconds: float, batch: int) -> None:
        if sent := await self.maintenance.resend_wake_ups(kind, grace_seconds=grace_seconds, batch=batch):
            logger.warning("jobs.wake_ups_resent", kind=kind, wake_ups=sent)
            self.wake_relay()

    async def _count(self) -> None:
        set_counts(await self.maintenance.count())
        set_gauge(JOBS_DEAD, await self.maintenance.count_dead(), kinds=self.policies)
        set_gauge(JOBS_OLDEST_WAITING, await self.maintenance.oldest_waiting(), kinds=self.policies)

    async def _delete_old(self) -> None:
        for policy in self.policies.values():
            await self.maintenance.delete_old_jobs(policy)
