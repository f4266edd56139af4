"""Consumes a queue. A message is acknowledged once its work is committed, and parked if it can never succeed.

A message may arrive twice, late or out of sequence; the handler deduplicates by its id in the effect's transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection

from common.background import is_being_cancelled
from common.backoff import backoff
from common.errors import ServiceError
from common.messaging.broker import Broker
from common.messaging.declarations import PARKING_QUEUE, Topology
from common.messaging.error_mapping import MessageDisposition, disposition_of
from common.messaging.message import Message
from common.messaging.parking import ParkingHeaders
from common.messaging.publisher import Publisher
from common.telemetry.correlation import set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.metrics import CONSUMED_MESSAGES
from common.telemetry.tracing import TRACEPARENT, SpanKind, continued_span

__all__ = ["Consumer", "MessageHandler"]

MessageHandler = Callable[[Message], Awaitable[None]]

# A message whose handler keeps failing is parked after this many deliveries, which quorum queues count.
DELIVERY_LIMIT: Final = 5
FIRST_WAIT_SECONDS: Final = 0.2
MAX_WAIT_SECONDS: Final = 5.0

logger = get_logger(__name__)


class Consumer:
    """Passes one queue's messages to a handler, `prefetch` at a time, on a connection of its own."""

    def __init__(
        self,
        url: str,
        *,
        service: str,
        topology: Topology,
        queue: str,
        handler: MessageHandler,
        publisher: Publisher,
        prefetch: int = 50,
    ) -> None:
        self.broker = Broker(url, name=f"{service} {queue}", topology=topology, on_connected=self._subscribe)
        self._queue = queue
        self._handler = handler
        self._publisher = publisher
        self._prefetch = prefetch
        self._channel: AbstractChannel | None = None

    async def _subscribe(self, connection: AbstractRobustConnection) -> None:
        # After a reconnection, a robust channel restores only the queues that it has looked up itself. So this channel looks
        # up the queue, and the reference keeps it alive.
        self._channel = channel = await connection.channel()
        await channel.set_qos(prefetch_count=self._prefetch)
        queue = await channel.get_queue(self._queue)
        await queue.consume(self._take)

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        outcome = "done"
        try:
            await self._handle(incoming)
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise  # shutting down: the message is not acknowledged, so another consumer gets it
            outcome = await self._dispose(incoming, RuntimeError(f"The handler's work was cancelled: {error!r}"))
        except Exception as error:  # noqa: BLE001 - every failure has a disposition
            outcome = await self._dispose(incoming, error)
        else:
            await incoming.ack()
        CONSUMED_MESSAGES.labels(self._queue, outcome).inc()

    async def _handle(self, incoming: AbstractIncomingMessage) -> None:
        message = Message.from_bytes(incoming.body)
        set_correlation_id(message.correlation_id)
        published_by = (incoming.headers or {}).get(TRACEPARENT)  # the publisher's span, part of the writer's trace
        traceparent = str(published_by) if published_by else message.traceparent
        with continued_span(f"process {message.type}", SpanKind.CONSUMER, traceparent, {"queue": self._queue}):
            await self._work(message)

    async def _work(self, message: Message) -> None:
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=MAX_WAIT_SECONDS)
        while True:
            try:
                return await self._handler(message)
            except ServiceError as error:
                if disposition_of(error) is not MessageDisposition.WAIT:
                    raise
                logger.warning(
                    "message.retry_scheduled", queue=self._queue, message_id=str(message.id), code=error.code
                )
                await asyncio.sleep(next(pauses))

    async def _dispose(self, incoming: AbstractIncomingMessage, error: Exception) -> str:
        deliveries = int(str((incoming.headers or {}).get("x-delivery-count") or 0)) + 1
        if disposition_of(error) is MessageDisposition.RETURN and deliveries < DELIVERY_LIMIT:
            logger.warning("message.returned", queue=self._queue, deliveries=deliveries, exc_info=error)
            await incoming.nack(requeue=True)
            return "returned"
        logger.error("message.parked", queue=self._queue, message_id=incoming.message_id, exc_info=error)
        await self._park(incoming, ParkingHeaders.of(self._queue, error))
        return "parked"

    async def _park(self, incoming: AbstractIncomingMessage, parking: ParkingHeaders) -> None:
        """Acknowledge the message once the parking queue has it; otherwise return it to its own queue."""
        try:
            await self._publisher.publish(
                incoming.body,
                exchange="",
                routing_key=PARKING_QUEUE,
                message_id=incoming.message_id or "",
                headers=parking.headers,
            )
        except ServiceError:
            await incoming.nack(requeue=True)
        else:
            await incoming.ack()
