"""A database, a broker with the queue `parking`, and messages in it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aio_pika
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.consumer import Consumer
from common.messaging.declarations import PARKING_QUEUE, Topology
from common.messaging.message import InvalidMessage, Message
from common.messaging.publisher import Publisher
from orchestrator.features.parked_messages.messages import ParkedMessageConsumer
from orchestrator.features.parked_messages.models.records import ParkedView
from orchestrator.features.parked_messages.repository import ParkedMessageStore
from rabbitmq.topology import NOTIFICATIONS_QUEUE
from tests.support.servers import Vhost
from tests.support.waiting import eventually


@dataclass
class ParkingHarness:
    database: Database
    vhost: Vhost
    topology: Topology
    publisher: Publisher

    @property
    def store(self) -> ParkedMessageStore:
        return ParkedMessageStore(self.database)

    async def put(self, queue: str, body: bytes, headers: Mapping[str, Any] | None = None) -> None:
        await self.publisher.publish(body, exchange="", routing_key=queue, message_id="m1", headers=dict(headers or {}))

    @asynccontextmanager
    async def storing(self) -> AsyncIterator[None]:
        """Store parked messages in the block."""
        consumer = ParkedMessageConsumer(self.vhost.url, service="tests", topology=self.topology, store=self.store)
        consumer.broker.start()
        try:
            yield
        finally:
            await consumer.broker.close()

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Reject every message of the notifications queue in the block."""

        async def refuse(message: Message) -> None:
            raise InvalidMessage(message_id=message.id)

        consumer = Consumer(
            self.vhost.url,
            service="tests",
            topology=self.topology,
            queue=NOTIFICATIONS_QUEUE,
            handler=refuse,
            publisher=self.publisher,
        )
        consumer.broker.start()
        try:
            yield
        finally:
            await consumer.broker.close()

    async def parked(self, number: int = 1) -> list[ParkedView]:
        """Wait until this many are stored, and return them, the latest first."""

        async def current() -> list[ParkedView]:
            found, total = await self.store.page(status=None, queue=None, limit=50, offset=0)
            assert len(found) == total.number == number, found  # the page is read before it is counted
            return found

        return await eventually(current)

    async def messages_in(self, queue: str) -> int:
        """Return the current number of messages in a queue, as the broker reports it."""
        async with await aio_pika.connect(self.vhost.url) as connection:
            found = await (await connection.channel()).declare_queue(queue, passive=True)
            return int(found.declaration_result.message_count or 0)

    async def taken_from(self, queue: str) -> list[bytes]:
        """Take all messages out of a queue."""
        bodies = []
        async with await aio_pika.connect(self.vhost.url) as connection:
            found = await (await connection.channel()).declare_queue(queue, passive=True)
            while incoming := await found.get(no_ack=True, fail=False):
                bodies.append(incoming.body)
        return bodies

    async def exceed_delivery_limit(self, body: bytes) -> None:
        """Make the broker park a message by exceeding its delivery limit."""
        limited: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": 1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": PARKING_QUEUE,
        }
        async with await aio_pika.connect(self.vhost.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("limited", durable=True, arguments=limited)
            await channel.default_exchange.publish(aio_pika.Message(body), routing_key=queue.name)

            async def returned() -> bool:
                if incoming := await queue.get(fail=False):
                    await incoming.nack(requeue=True)
                    return False
                return await self.messages_in(PARKING_QUEUE) == 1

            await eventually(returned)

    async def clear(self) -> None:
        await self.database.execute(text("TRUNCATE parked_messages, outbox"))
        for queue in self.topology.queues:
            await self.taken_from(queue.name)
