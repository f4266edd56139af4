"""What RabbitMQ alone does: persistent messages into a quorum queue and out again, confirmed and acknowledged."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

__all__ = ["BrokerRates", "measure_broker"]

QUEUE: Final = "bench"
BATCH: Final = 100  # as the outbox relay sends
PREFETCH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerRates:
    """Messages a second."""

    published: float
    consumed: float

    @property
    def through(self) -> float:
        """Return how many go in and out, one after the other."""
        return 1 / (1 / self.published + 1 / self.consumed)


async def measure_broker(url: str, *, messages: int) -> BrokerRates:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        published = await _publish(channel.default_exchange, messages)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        consumed = await _consume(await channel.get_queue(QUEUE), messages)
        await channel.queue_delete(QUEUE)
    return BrokerRates(published=messages / published, consumed=messages / consumed)


async def _publish(exchange: aio_pika.abc.AbstractExchange, messages: int) -> float:
    body = b'{"kind": "bulk"}' * 20  # about the size of a token
    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    began = time.perf_counter()
    for _ in range(0, messages, BATCH):
        await asyncio.gather(*(exchange.publish(message, QUEUE) for _ in range(BATCH)))
    return time.perf_counter() - began


async def _consume(queue: aio_pika.abc.AbstractQueue, messages: int) -> float:
    left, all_taken = messages, asyncio.Event()

    async def take(incoming: AbstractIncomingMessage) -> None:
        nonlocal left
        await incoming.ack()
        left -= 1
        if left == 0:
            all_taken.set()

    began = time.perf_counter()
    tag = await queue.consume(take)
    await all_taken.wait()
    seconds = time.perf_counter() - began
    await queue.cancel(tag)
    return seconds
