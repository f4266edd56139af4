"""Looks after jobs that nobody has in hand: delayed, lost, or ready without a token. Every worker runs one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from common.errors import ServiceError
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
        upkeep: JobMaintenance,
        runner: JobRunner,
        intake: JobConsumer,
        *,
        policies: Mapping[str, JobPolicy],
        on_announced: Callable[[], None],
        interval_seconds: float,
        grace_seconds: float,
        trim_seconds: float,
    ) -> None:
        self._upkeep = upkeep
        self._runner = runner
        self._intake = intake
        self._policies = policies
        self._on_announced = on_announced
        self._interval_seconds = interval_seconds
        self._grace_seconds = grace_seconds
        self._chores = (
            _Chore(self._give_back_lost, every_seconds=interval_seconds),
            _Chore(self._send_due, every_seconds=interval_seconds),
            _Chore(self._send_again, every_seconds=grace_seconds),
            _Chore(self._send_more, every_seconds=BUSY_GRACES * grace_seconds),
            _Chore(self._count, every_seconds=COUNT_EVERY_SECONDS),
            _Chore(self._trim, every_seconds=trim_seconds),
        )
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="job scheduler")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            for chore in self._chores:
                await chore.do_when_due()
            await asyncio.sleep(self._interval_seconds)

    async def _give_back_lost(self) -> None:
        while await self._runner.give_back_lost(batch=BATCH) == BATCH:
            pass

    async def _send_due(self) -> None:
        sent = BATCH
        while sent == BATCH:
            sent = await self._upkeep.send_due_tokens(batch=BATCH)
            if sent:
                self._on_announced()

    async def _send_again(self) -> None:
        for kind in await self._intake.idle_kinds(since_seconds=self._grace_seconds):
            await self._send_tokens(kind, grace_seconds=self._grace_seconds, batch=BATCH)

    async def _send_more(self) -> None:
        """Send as many as there are hands: a full queue that only takes its time is not flooded."""
        for policy in await self._intake.open_kinds():
            await self._send_tokens(
                policy.kind, grace_seconds=BUSY_GRACES * self._grace_seconds, batch=policy.concurrency
            )

    async def _send_tokens(self, kind: str, *, grace_seconds: float, batch: int) -> None:
        if sent := await self._upkeep.send_tokens_again(kind, grace_seconds=grace_seconds, batch=batch):
            logger.warning("jobs.tokens_sent_again", kind=kind, tokens=sent)
            self._on_announced()

    async def _count(self) -> None:
        show_counts(await self._upkeep.count())
        show_dead(await self._upkeep.count_dead(), kinds=self._policies)
        show_oldest(await self._upkeep.oldest_waiting(), kinds=self._policies)

    async def _trim(self) -> None:
        for policy in self._policies.values():
            await self._upkeep.trim(policy)
        await self._upkeep.forget()


class _Chore:
    """Something to be done now and then. One that fails is tried again the next time and keeps no other from its turn."""

    def __init__(self, work: Callable[[], Awaitable[None]], *, every_seconds: float) -> None:
        self._work = work
        self._every_seconds = every_seconds
        self._due_at = 0.0

    async def do_when_due(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._due_at:
            return
        self._due_at = now + self._every_seconds
        try:
            await self._work()
        except ServiceError as error:
            logger.warning("jobs.chore_waits", **(error.private | {"code": error.code}))
        except Exception:
            logger.exception("jobs.chore_stumbled")
