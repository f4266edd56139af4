"""Messages of which every gateway gets a copy, on a queue that is deleted with its connection."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

from common.messaging.broker import Broker
from common.messaging.declarations import MESSAGES_EXCHANGE, Exchange, Topology
from common.messaging.message import Message
from common.telemetry.logs import get_logger

__all__ = ["BroadcastConsumer", "Handler"]

Handler = Callable[[Message], Awaitable[None]]

TOPOLOGY: Final = Topology(exchanges=(Exchange(MESSAGES_EXCHANGE, "topic"),), queues=(), bindings=())

logger = get_logger(__name__)


class BroadcastConsumer:
    """Passes messages to the handler of their type, in sequence. Messages are lost while it is disconnected.

    Args:
        handlers: by message type, which is the routing key.
        on_gap: called after every connection, because messages may have been missed.
    """

    def __init__(self, url: str, *, handlers: Mapping[str, Handler], on_gap: Callable[[], None]) -> None:
        self.broker = Broker(url, name="gateway feed", topology=TOPOLOGY, on_connected=self._subscribe)
        self._handlers = handlers
        self._on_gap = on_gap

    async def _subscribe(self, connection: AbstractRobustConnection) -> None:
        channel = await connection.channel()
        name = f"gateway.{uuid.uuid4().hex}"
        queue = await channel.declare_queue(name, exclusive=True, arguments={"x-queue-type": "classic"})
        for message_type in self._handlers:
            await queue.bind(MESSAGES_EXCHANGE, message_type)
        await queue.consume(self._take, no_ack=True)
        connection.reconnect_callbacks.add(self._on_reconnected)
        self._on_gap()

    def _on_reconnected(self, *_: Any) -> None:
        self._on_gap()

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        try:
            message = Message.from_bytes(incoming.body)
            await self._handlers[message.type](message)
        except Exception as error:  # noqa: BLE001 - whatever a message contains, the next one is handled
            logger.warning("broadcast.unreadable", message_id=incoming.message_id, reason=repr(error))
