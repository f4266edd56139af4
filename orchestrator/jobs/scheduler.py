"""Looks after jobs that nobody has in hand: delayed, lost, or ready without a token. Every worker runs one."""

from collections.abc import Callable, Mapping
from typing import Final

from common.periodic import PeriodicTask, repeat_while_full
from common.telemetry.logs import get_logger
from orchestrator.jobs.consumer import JobConsumer
from orchestrator.jobs.observer import show_counts, show_dead, show_oldest
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.jobs.runner import JobRunner

__all__ = ["Scheduler"]

BATCH: Final = 500
COUNT_EVERY_SECONDS: Final = 5.0
# A kind that is never idle may still have lost tokens: jobs of low priority would wait for them for ever.
BUSY_GRACES: Final = 10

logger = get_logger(__name__)


class Scheduler:
    """Looks every `interval_seconds`; SKIP LOCKED shares the work among workers.

    Args:
        grace_seconds: a kind that got no token for so long though jobs are ready is sent theirs again; one
            that gets tokens all the time is sent a few more when a job has been ready for ten times as long.
        trim_seconds: how often finished jobs beyond what policies keep are thrown away.
    """

    def __init__(
        self,
        maintenance: JobMaintenance,
        runner: JobRunner,
        consumer: JobConsumer,
        *,
        policies: Mapping[str, JobPolicy],
        on_announced: Callable[[], None],
        interval_seconds: float,
        grace_seconds: float,
        trim_seconds: float,
    ) -> None:
        self._maintenance = maintenance
        self._runner = runner
        self._consumer = consumer
        self._policies = policies
        self._on_announced = on_announced
        self._grace_seconds = grace_seconds
        self._tasks = [
            PeriodicTask(work, name=f"jobs: {name}", interval_seconds=seconds, retry_seconds=interval_seconds)
            for name, work, seconds in (
                ("give back lost jobs", self._give_back_lost, interval_seconds),
                ("send due tokens", self._send_due, interval_seconds),
                ("send tokens again", self._send_again, grace_seconds),
                ("send more tokens", self._send_more, BUSY_GRACES * grace_seconds),
                ("count", self._count, COUNT_EVERY_SECONDS),
                ("trim", self._trim, trim_seconds),
            )
        ]

    def start(self) -> None:
        for task in self._tasks:
            task.start()

    async def close(self) -> None:
        for task in self._tasks:
            await task.close()

    async def _give_back_lost(self) -> None:
        await repeat_while_full(self._runner.give_back_lost, batch=BATCH)

    async def _send_due(self) -> None:
        sent = BATCH
        while sent == BATCH:
            sent = await self._maintenance.send_due_tokens(batch=BATCH)
            if sent:
                self._on_announced()

    async def _send_again(self) -> None:
        for kind in await self._consumer.idle_kinds(since_seconds=self._grace_seconds):
            await self._send_tokens(kind, grace_seconds=self._grace_seconds, batch=BATCH)

    async def _send_more(self) -> None:
        """Send as many as there are hands: a full queue that only takes its time is not flooded."""
        for policy in await self._consumer.open_kinds():
            await self._send_tokens(
                policy.kind, grace_seconds=BUSY_GRACES * self._grace_seconds, batch=policy.concurrency
            )

    async def _send_tokens(self, kind: str, *, grace_seconds: float, batch: int) -> None:
        if sent := await self._maintenance.send_tokens_again(kind, grace_seconds=grace_seconds, batch=batch):
            logger.warning("jobs.tokens_sent_again", kind=kind, tokens=sent)
            self._on_announced()

    async def _count(self) -> None:
        show_counts(await self._maintenance.count())
        show_dead(await self._maintenance.count_dead(), kinds=self._policies)
        show_oldest(await self._maintenance.oldest_waiting(), kinds=self._policies)

    async def _trim(self) -> None:
        for policy in self._policies.values():
            await self._maintenance.trim(policy)
        await self._maintenance.forget()
