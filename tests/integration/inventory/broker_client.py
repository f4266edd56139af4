"""Receives the inventory's messages and sends messages to its queues."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from proto.inventory.v1 import inventory_pb2 as pb
from rabbitmq.topology import HOLD_EXCHANGE, RELEASE_QUEUE, hold_queue_name, platform_topology

__all__ = ["BrokerClient", "hold_message", "open_broker_client"]

HOLD_TTL_SECONDS = 1


class BrokerClient:
    """A separate connection with a queue bound to all messages of the inventory."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self.received: list[Message] = []

    async def listen(self) -> None:
        queue = await self._channel.declare_queue(exclusive=True)
        await queue.bind(MESSAGES_EXCHANGE, "#")
        await queue.consume(self._take, no_ack=True)

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        self.received.append(Message.from_bytes(incoming.body))

    def received_data(self, kind: str, subject: str) -> list[dict[str, Any]]:
        return [message.data for message in self.received if (message.type, message.subject) == (kind, subject)]

    async def publish_hold(self, message: Message) -> None:
        """Publish as the orchestrator does for a hold: the message returns when the hold expires."""
        exchange = await self._channel.get_exchange(HOLD_EXCHANGE)
        await exchange.publish(
            aio_pika.Message(message.to_bytes(), message_id=str(message.id)), hold_queue_name(HOLD_TTL_SECONDS * 1000)
        )

    async def deliver(self, body: bytes) -> None:
        """Put a message into the release queue at once, as if the hold had expired."""
        await self._channel.default_exchange.publish(aio_pika.Message(body), RELEASE_QUEUE)

    async def take_from(self, queue_name: str) -> bytes | None:
        queue = await self._channel.get_queue(queue_name)
        incoming = await queue.get(fail=False, no_ack=True)
        return incoming.body if incoming else None


@asynccontextmanager
async def open_broker_client(url: str) -> AsyncIterator[BrokerClient]:
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        await platform_topology(HOLD_TTL_SECONDS).declare(channel)
        broker = BrokerClient(channel)
        await broker.listen()
        yield broker


def hold_message(hold: pb.Hold, *, held_until: datetime | None = None) -> Message:
    """Return the message that the orchestrator publishes for the hold."""
    return Message(
        type="seat.hold",
        source="orchestrator",
        subject=hold.hold_id,
        data={
            "hold_id": hold.hold_id,
            "event_id": hold.event_id,
            "user_id": hold.user_id,
            "seat_ids": [seat.seat_id for seat in hold.seats],
            "held_until": (held_until or datetime.fromisoformat(hold.held_until)).isoformat(),
        },
    )
