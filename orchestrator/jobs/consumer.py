"""Consumes the wake-up messages of the kinds that this worker handles, and runs one attempt for each.

A wake-up message names no job: the database selects the job. A duplicate therefore finds nothing to do, and the
scheduler replaces a lost one. The message is acknowledged once the attempt is recorded; if the worker crashes before
that, the broker delivers the message to another worker.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection
from aiormq.exceptions import AMQPError

from common.backoff import backoff
from common.errors import Unavailable
from common.messaging.broker import Broker
from common.messaging.declarations import Topology
from common.telemetry.logs import get_logger
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import Registry
from rabbitmq.topology import job_queue_name

__all__ = ["JobConsumer"]

FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0
BROKER_TIMEOUT_SECONDS: Final = 2.0
CONNECTION_ERRORS: Final = (AMQPError, OSError, RuntimeError)

logger = get_logger(__name__)


class JobConsumer:
    """One connection with a channel for each kind; each kind has as many slots as its policy allows.

    Args:
        work: runs one attempt of the best ready job of a kind.
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        topology: Topology,
        registry: Registry,
        work: Callable[[str], Awaitable[bool]],
    ) -> None:
        self.broker = Broker(url, name=f"{service} jobs", topology=topology, on_connected=self._subscribe)
        self._registry = registry
        self._work = work
        self._channels: list[AbstractChannel] = []  # kept: a channel survives a reconnection only while referenced
        self._consumers: list[tuple[AbstractQueue, str]] = []
        self._attempts: set[asyncio.Task[object]] = set()
        self._slots = {work.policy.kind: asyncio.Semaphore(work.policy.concurrency) for work in registry}
        self._last_wake_up: dict[str, float] = {}
        self._is_stopping = False

    async def idle_kinds(self, *, since_seconds: float) -> list[str]:
        """Return the kinds with free slots and no wake-up message for that long, while the broker is connected."""
        long_ago = asyncio.get_running_loop().time() - since_seconds
        return [
            policy.kind
            for policy in await self.open_kinds()
            if not self._slots[policy.kind].locked() and self._last_wake_up.get(policy.kind, 0.0) < long_ago
        ]

    async def open_kinds(self) -> list[JobPolicy]:
        """Return the kinds that are consumed; none while the broker is unavailable or the worker stops."""
        if self._is_stopping or not await self.broker.is_healthy():
            return []
        return [work.policy for work in self._registry]

    async def stop(self) -> None:
        """Stop consuming. Running attempts continue."""
        self._is_stopping = True
        for queue, tag in self._consumers:
            with suppress(*CONNECTION_ERRORS, TimeoutError):
                await asyncio.wait_for(queue.cancel(tag), BROKER_TIMEOUT_SECONDS)

    async def finished(self, *, within_seconds: float) -> bool:
        """Wait until no attempt is running; return False on timeout."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=within_seconds)
        return not self._attempts

    async def close(self) -> None:
        for task in [*self._attempts]:
            task.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)
        await self.broker.close()

    async def _subscribe(self, connection: AbstractRobustConnection) -> None:
        for work in self._registry:
            kind = work.policy.kind
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=work.policy.concurrency)
            queue = await channel.get_queue(job_queue_name(kind))
            self._channels.append(channel)
            self._consumers.append((queue, await queue.consume(partial(self._receive, kind))))

    async def _receive(self, kind: str, wake_up: AbstractIncomingMessage) -> None:
        """Handle it in a separate task: the consumer's own tasks end with the connection, an attempt must not."""
        self._last_wake_up[kind] = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._handle(kind, wake_up), name=f"wake-up of {kind}")
        self._attempts.add(task)
        task.add_done_callback(self._attempts.discard)

    async def _handle(self, kind: str, wake_up: AbstractIncomingMessage) -> None:
        """Wait for a free slot: after a reconnection, messages arrive while earlier attempts still run."""
        async with self._slots[kind]:
            is_done = await self._run(kind)
            with suppress(*CONNECTION_ERRORS):  # the broker redelivers the message, which then finds nothing to do
                await (wake_up.ack() if is_done else wake_up.nack(requeue=True))

    async def _run(self, kind: str) -> bool:
        """Run an attempt once the database is available; return False if the worker stops before that."""
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
        while not self._is_stopping:
            try:
                await self._work(kind)
            except Unavailable as error:
                logger.warning("jobs.database_unavailable", kind=kind, **error.private)
                await asyncio.sleep(next(pauses))
            except Exception:  # a claimed job is recovered when its lease expires
                logger.exception("jobs.failed", kind=kind)
                return True
            else:
                return True
        return False
