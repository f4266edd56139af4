"""RabbitMQ alone: persistent messages through a quorum queue, confirmed and acknowledged."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

__all__ = ["BrokerRates", "measure_broker"]

QUEUE: Final = "bench"
BATCH: Final = 100  # the outbox relay's
PREFETCH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerRates:
    """Messages per second."""

    published: float
    consumed: float

    @property
    def through(self) -> float:
        """Return the rate of publishing and consuming one after the other."""
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
    body = b'{"kind": "bulk"}' * 20  # about the size of a wake-up message
    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    began = time.perf_counter()
    for _ in range(0, messages, BATCH):
        await asyncio.gather(*(exchange.publish(message, QUEUE) for _ in range(BATCH)))
    return time.perf_counter() - began


async def _consume(queue: aio_pika.abc.AbstractQueue, messages: int) -> float:
    remaining, all_consumed = messages, asyncio.Event()

    async def acknowledge(incoming: AbstractIncomingMessage) -> None:
        nonlocal remaining
        await incoming.ack()
        remaining -= 1
        if remaining == 0:
            all_consumed.set()

    began = time.perf_counter()
    tag = await queue.consume(acknowledge)
    await all_consumed.wait()
    seconds = time.perf_counter() - began
    await queue.cancel(tag)
    return seconds
