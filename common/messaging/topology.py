"""Everything we declare on the broker, in one place. `rabbitmq/definitions.json` is checked against it by a test.

After a change, write that file again: ``python -m common.messaging.topology > rabbitmq/definitions.json``.

Every queue is durable and a quorum queue, except the gateway's own live feed, which is exclusive to its connection.
Works on RabbitMQ 3.10 to 4.x: no global QoS, no transient shared queues, nothing that relies on client-set `x-death`.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

__all__ = [
    "DEFAULT_HOLD_TTL_MILLISECONDS",
    "HOLD_EXCHANGE",
    "MESSAGES_EXCHANGE",
    "PARKING_QUEUE",
    "RELEASE_QUEUE",
    "Binding",
    "Exchange",
    "Queue",
    "Topology",
    "hold_queue_name",
    "platform_topology",
]

HOLD_EXCHANGE: Final = "seat.hold.exchange"
RELEASE_EXCHANGE: Final = "seat.release.exchange"
MESSAGES_EXCHANGE: Final = "messages.exchange"
RELEASE_QUEUE: Final = "seat.release.queue"
ORCHESTRATOR_HOLDS_QUEUE: Final = "orchestrator.hold-expired.queue"
PARKING_QUEUE: Final = "parking"
DEFAULT_HOLD_TTL_MILLISECONDS: Final = 300_000

# RabbitMQ 4 gives a message up after twenty deliveries (a consumer that dies counts): then it is kept for people.
PARKED_AT_THE_LIMIT: Final = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": PARKING_QUEUE}


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: Literal["direct", "topic"]


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

    async def declare(self, channel: AbstractChannel) -> None:
        """Declare it all; what exists already with the same arguments is left as it is."""
        for exchange in self.exchanges:
            await channel.declare_exchange(exchange.name, ExchangeType(exchange.kind), durable=True)
        queues = {
            queue.name: await channel.declare_queue(queue.name, durable=True, arguments=queue.all_arguments)
            for queue in self.queues
        }
        for binding in self.bindings:
            await queues[binding.queue].bind(binding.exchange, binding.routing_key)

    def as_definitions(self, vhost: str = "/") -> dict[str, Any]:
        """Return it as the broker's definitions file has it."""
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


def hold_queue_name(hold_ttl_milliseconds: int) -> str:
    """A queue's TTL cannot be changed, so another TTL gets another queue."""
    if hold_ttl_milliseconds == DEFAULT_HOLD_TTL_MILLISECONDS:
        return "seat.hold.queue"
    return f"seat.hold.queue.{hold_ttl_milliseconds}ms"


def platform_topology(hold_ttl_seconds: float = DEFAULT_HOLD_TTL_MILLISECONDS / 1000) -> Topology:
    """Return what every process declares when it connects.

    Holds wait in a queue that nobody reads; when their TTL runs out the broker dead-letters them to the release
    queue, at least once. A message published for a full queue is rejected, so the outbox keeps it.
    """
    hold_ttl_milliseconds = round(hold_ttl_seconds * 1000)
    hold_queue = Queue(
        hold_queue_name(hold_ttl_milliseconds),
        {
            "x-message-ttl": hold_ttl_milliseconds,
            "x-dead-letter-exchange": RELEASE_EXCHANGE,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    return Topology(
        exchanges=(
            Exchange(HOLD_EXCHANGE, "direct"),
            Exchange(RELEASE_EXCHANGE, "direct"),
            Exchange(MESSAGES_EXCHANGE, "topic"),
        ),
        queues=(
            hold_queue,
            Queue(RELEASE_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(ORCHESTRATOR_HOLDS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(PARKING_QUEUE),
        ),
        bindings=(
            Binding(HOLD_EXCHANGE, hold_queue.name, hold_queue.name),
            Binding(RELEASE_EXCHANGE, RELEASE_QUEUE, hold_queue.name),
            Binding(MESSAGES_EXCHANGE, ORCHESTRATOR_HOLDS_QUEUE, "hold.expired"),
        ),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(platform_topology().as_definitions(), indent=2) + "\n")
