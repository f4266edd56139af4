"""Publishes messages: persistent, mandatory, confirmed, with a time limit."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractRobustChannel, AbstractRobustConnection, FieldValue
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import AMQPError, PublishError

from common.errors import Unavailable
from common.messaging.broker import Broker
from common.messaging.declarations import Topology
from common.telemetry.metrics import PUBLISHED_MESSAGES
from common.telemetry.propagation import propagated_headers
from common.telemetry.tracing import SpanKind, span

__all__ = ["NotRouted", "Publisher"]


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class NotRouted(Unavailable):
    """The broker has no queue for the message, or its queue is full. The message was not accepted."""


class Publisher:
    """Publishes on a connection of its own.

    Args:
        timeout_seconds: for each message; a robust channel itself would wait for the broker without limit.
    """

    def __init__(self, url: str, *, service: str, topology: Topology, timeout_seconds: float) -> None:
        self.broker = Broker(url, name=f"{service} publisher", topology=topology, on_connected=self._open)
        self._timeout_seconds = timeout_seconds
        self._channel: AbstractRobustChannel | None = None
        self._exchanges: dict[str, AbstractExchange] = {}

    async def publish(
        self,
        body: bytes,
        *,
        exchange: str,
        routing_key: str,
        message_id: str,
        headers: Mapping[str, str] = NO_HEADERS,
        mandatory: bool = True,
    ) -> None:
        """Publish the message and return once the broker has confirmed it.

        Args:
            headers: sent besides the correlation id and the trace.

        Raises:
            NotRouted: no queue is bound for it (only if `mandatory`), or its queue rejects it.
            Unavailable: no confirmation in time. The message may have arrived; consumers deduplicate by its id.
        """
        with span("publish", SpanKind.PRODUCER) as traced:
            if traced is not None:
                traced.update_name(f"publish {exchange or routing_key}")
                traced.set_attributes({"messaging.system": "rabbitmq", "messaging.message.id": message_id})
            await self._publish(_message(body, message_id, headers), exchange, routing_key, mandatory=mandatory)
        PUBLISHED_MESSAGES.labels(exchange).inc()

    async def _publish(self, message: aio_pika.Message, exchange: str, routing_key: str, *, mandatory: bool) -> None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                target = await self._exchange(exchange)
                await target.publish(message, routing_key, mandatory=mandatory)
        except (PublishError, DeliveryError) as error:
            raise NotRouted(exchange=exchange, routing_key=routing_key, reason=repr(error)) from error
        except (TimeoutError, AMQPError, OSError, RuntimeError) as error:
            raise Unavailable(exchange=exchange, reason=repr(error)) from error
        except asyncio.CancelledError as error:
            # A lost connection cancels pending confirmations; only a cancelled task must end.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise Unavailable(exchange=exchange, reason=repr(error)) from error

    async def _open(self, connection: AbstractRobustConnection) -> None:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        assert isinstance(channel, AbstractRobustChannel)  # noqa: S101 - what a robust connection returns
        self._channel = channel

    async def _exchange(self, name: str) -> AbstractExchange:
        await self.broker.wait_until_ready()
        assert self._channel is not None  # noqa: S101 - set before the broker is ready
        if name not in self._exchanges:
            self._exchanges[name] = await self._channel.get_exchange(name, ensure=False)
        return self._exchanges[name]


def _message(body: bytes, message_id: str, extra: Mapping[str, str]) -> aio_pika.Message:
    headers: dict[str, FieldValue] = {**extra, **propagated_headers()}
    return aio_pika.Message(
        body,
        message_id=message_id,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers=headers or None,
    )
