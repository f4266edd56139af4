"""Exchanges, queues and bindings that can be declared on the broker; `rabbitmq` lists the platform's.

Every queue is a durable quorum queue, except the gateway's own feed, which is exclusive to its connection. Works on
RabbitMQ 3.10 to 4.x: no global QoS, no transient shared queues, no dependence on client-set `x-death`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

MESSAGES_EXCHANGE: Final = "messages.exchange"
PARKING_QUEUE: Final = "parking"

# RabbitMQ 4 dead-letters a message after twenty deliveries, crashed consumers included: then it is parked.
PARKED_AT_THE_LIMIT: Final = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": PARKING_QUEUE}


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: Literal["direct", "topic", "fanout"]


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def all_arguments(self) -> dict[str, Any]:
        return {"x-queue-type": "quorum", **self.arguments}


@dataclass(frozen=True, slots=True)
class Binding:
    exchange: str
    queue: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Topology:
    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]

    @property
    def parking_queues(self) -> frozenset[str]:
        """The queues whose messages are parked if they cannot be handled."""
        return frozenset(q.name for q in self.queues if q.arguments.items() >= PARKED_AT_THE_LIMIT.items())

    async def declare(self, channel: AbstractChannel) -> None:
        """Declare everything. What exists with the same arguments stays unchanged."""
        for exchange in self.exchanges:
            await channel.declare_exchange(exchange.name, ExchangeType(exchange.kind), durable=True)
        queues = {
            queue.name: await channel.declare_queue(queue.name, durable=True, arguments=queue.all_arguments)
            for queue in self.queues
        }
        for binding in self.bindings:
            await queues[binding.queue].bind(binding.exchange, binding.routing_key)

    def as_definitions(self, vhost: str = "/") -> dict[str, Any]:
        """Return the topology in the format of the broker's definitions file."""
        return {
            "vhosts": [{"name": vhost}],
            "exchanges": [
                {"name": e.name, "vhost": vhost, "type": e.kind, "durable": True, "auto_delete": False}
                for e in self.exchanges
            ],
            "queues": [
                {"name": q.name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": q.all_arguments}
                for q in self.queues
            ],
            "bindings": [
                {
                    "source": b.exchange,
                    "vhost": vhost,
                    "destination": b.queue,
                    "destination_type": "queue",
                    "routing_key": b.routing_key,
                }
                for b in self.bindings
            ],
        }


def delay_queue(name: str, ttl_milliseconds: int, *, then: str) -> Queue:
    """Return a queue without consumers, whose messages move to the exchange `then` after the TTL, at least once."""
    return Queue(
        name,
        {
            "x-message-ttl": ttl_milliseconds,
            "x-dead-letter-exchange": then,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
