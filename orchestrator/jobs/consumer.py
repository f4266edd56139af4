"""Takes tokens from the queues of the kinds that this worker knows, and lets a job be tried for each.

A token is a reason to look, no more: which job is tried the database decides, so a token that comes twice finds
nothing to do, and one that is lost is sent again by the scheduler. It is acknowledged when the try is written down;
a worker that dies before leaves it to others.
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
from common.messaging.topology import Topology
from common.telemetry.logs import get_logger
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import Registry
from rabbitmq.topology import job_queue_name

__all__ = ["JobConsumer"]

FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0
BROKER_SECONDS: Final = 2.0
BROKEN: Final = (AMQPError, OSError, RuntimeError)

logger = get_logger(__name__)


class JobConsumer:
    """One connection, a channel for each kind: as many tokens in hand as the kind's policy allows.

    Args:
        work: tries the best job of a kind.
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
        self._channels: list[AbstractChannel] = []  # kept: only what is referred to survives a reconnection
        self._consumers: list[tuple[AbstractQueue, str]] = []
        self._tries: set[asyncio.Task[object]] = set()
        self._hands = {work.policy.kind: asyncio.Semaphore(work.policy.concurrency) for work in registry}
        self._last_token: dict[str, float] = {}
        self._is_stopping = False

    async def idle_kinds(self, *, since_seconds: float) -> list[str]:
        """Return the kinds that have hands free and got no token for so long, though the broker is there."""
        long_ago = asyncio.get_running_loop().time() - since_seconds
        return [
            policy.kind
            for policy in await self.open_kinds()
            if not self._hands[policy.kind].locked() and self._last_token.get(policy.kind, 0.0) < long_ago
        ]

    async def open_kinds(self) -> list[JobPolicy]:
        """Return the kinds that tokens are taken of; none while the broker is away, or when we are to stop."""
        if self._is_stopping or not await self.broker.is_healthy():
            return []
        return [work.policy for work in self._registry]

    async def stop(self) -> None:
        """Take no more tokens. What is in hand goes on."""
        self._is_stopping = True
        for queue, tag in self._consumers:
            with suppress(*BROKEN, TimeoutError):
                await asyncio.wait_for(queue.cancel(tag), BROKER_SECONDS)

    async def finished(self, *, within_seconds: float) -> bool:
        """Wait until nothing is in hand; False when that takes longer."""
        if self._tries:
            await asyncio.wait(self._tries, timeout=within_seconds)
        return not self._tries

    async def close(self) -> None:
        for task in [*self._tries]:
            task.cancel()
        await asyncio.gather(*self._tries, return_exceptions=True)
        await self.broker.close()

    async def _subscribe(self, connection: AbstractRobustConnection) -> None:
        for work in self._registry:
            kind = work.policy.kind
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=work.policy.concurrency)
            queue = await channel.get_queue(job_queue_name(kind))
            self._channels.append(channel)
            self._consumers.append((queue, await queue.consume(partial(self._take, kind))))

    async def _take(self, kind: str, token: AbstractIncomingMessage) -> None:
        """Use it in a task of our own: those of the consumer end with its connection, a try that was begun goes on."""
        self._last_token[kind] = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._hold(kind, token), name=f"token of {kind}")
        self._tries.add(task)
        task.add_done_callback(self._tries.discard)

    async def _hold(self, kind: str, token: AbstractIncomingMessage) -> None:
        """Use it when a hand is free: after a reconnection tokens come while earlier tries still go on."""
        async with self._hands[kind]:
            is_used = await self._use(kind)
            with suppress(*BROKEN):  # the connection is gone: the token comes again and finds nothing to do
                await (token.ack() if is_used else token.nack(requeue=True))

    async def _use(self, kind: str) -> bool:
        """Let a job be tried, once the database is there; False when we are to stop before that."""
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
        while not self._is_stopping:
            try:
                await self._work(kind)
            except Unavailable as error:
                logger.warning("jobs.wait", kind=kind, **error.private)
                await asyncio.sleep(next(pauses))
            except Exception:  # the job, if one was claimed, is found again when its lease ends
                logger.exception("jobs.failed", kind=kind)
                return True
            else:
                return True
        return False
