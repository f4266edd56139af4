"""Everything the platform declares on the broker. `definitions.json` is made from it, and a test compares the two.

After a change, write that file again: ``python -m rabbitmq.topology > rabbitmq/definitions.json``.
"""

import json
import sys
from collections.abc import Sequence
from typing import Final

from common.messaging.topology import (
    MESSAGES_EXCHANGE,
    PARKED_AT_THE_LIMIT,
    PARKING_QUEUE,
    Binding,
    Exchange,
    Queue,
    Topology,
    delay_queue,
)

__all__ = [
    "DEAD_JOBS_QUEUE",
    "DEFAULT_HOLD_TTL_MILLISECONDS",
    "DEFAULT_RETRY_SECONDS",
    "HOLD_EXCHANGE",
    "JOBS_EXCHANGE",
    "JOB_KINDS",
    "NOTIFICATIONS_QUEUE",
    "NOTIFYING_MESSAGES",
    "ORCHESTRATOR_HOLDS_QUEUE",
    "RELEASE_QUEUE",
    "hold_queue_name",
    "job_queue_name",
    "platform_topology",
    "retry_exchange_name",
]

HOLD_EXCHANGE: Final = "seat.hold.exchange"
RELEASE_EXCHANGE: Final = "seat.release.exchange"
RELEASE_QUEUE: Final = "seat.release.queue"
ORCHESTRATOR_HOLDS_QUEUE: Final = "orchestrator.hold-expired.queue"

NOTIFICATIONS_QUEUE: Final = "orchestrator.notifications.queue"
# What people may want to be told of: their feeds and letters are made from these.
NOTIFYING_MESSAGES: Final = (
    "order.*",
    "transfer.*",
    "sale.*",
    "payment.*",
    "job.*",
    "event.cancelled",
    "purchased_item.*",
    "commission.*",
    "fulfillment.*",
)
DEFAULT_HOLD_TTL_MILLISECONDS: Final = 300_000

JOBS_EXCHANGE: Final = "jobs.exchange"
DEAD_JOBS_QUEUE: Final = "jobs.dead"
JOB_KINDS: Final = (
    "performance",
    "commission",
    "revision",
    "fulfillment",
    "webhook",
    "email",
    "sms",
    "delivery",
    "reconciliation",
    "bulk",
)
DEFAULT_RETRY_SECONDS: Final = (2.0, 4.0, 8.0, 16.0, 32.0)  # the ladder of F2


def hold_queue_name(hold_ttl_milliseconds: int) -> str:
    """A queue's TTL cannot be changed, so another TTL gets another queue."""
    if hold_ttl_milliseconds == DEFAULT_HOLD_TTL_MILLISECONDS:
        return "seat.hold.queue"
    return f"seat.hold.queue.{hold_ttl_milliseconds}ms"


def job_queue_name(kind: str) -> str:
    return f"jobs.{kind}"


def retry_exchange_name(seconds: float) -> str:
    """Name the exchange of one rung of the retry ladder; the queue behind it has the same name."""
    return f"jobs.retry.{seconds:.0f}s" if float(seconds).is_integer() else f"jobs.retry.{seconds * 1000:.0f}ms"


def platform_topology(
    hold_ttl_seconds: float = DEFAULT_HOLD_TTL_MILLISECONDS / 1000,
    retry_seconds: Sequence[float] = DEFAULT_RETRY_SECONDS,
) -> Topology:
    """Return what every process declares when it connects.

    Holds wait in a queue that nobody reads; when their TTL runs out the broker dead-letters them to the release
    queue, at least once. A message published for a full queue is rejected, so the outbox keeps it.

    Jobs to be tried again wait likewise, in one queue for each length of wait. A fanout exchange before each of these
    keeps the routing key free to say the job's kind, which the broker routes by when the wait is over.
    """
    holds, jobs, retries = _holds(hold_ttl_seconds), _jobs(), _retries(retry_seconds)
    return Topology(
        exchanges=(*holds.exchanges, Exchange(MESSAGES_EXCHANGE, "topic"), *jobs.exchanges, *retries.exchanges),
        queues=(
            *holds.queues,
            Queue(ORCHESTRATOR_HOLDS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(NOTIFICATIONS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(PARKING_QUEUE),
            *jobs.queues,
            *retries.queues,
        ),
        bindings=(
            *holds.bindings,
            Binding(MESSAGES_EXCHANGE, ORCHESTRATOR_HOLDS_QUEUE, "hold.expired"),
            *(Binding(MESSAGES_EXCHANGE, NOTIFICATIONS_QUEUE, key) for key in NOTIFYING_MESSAGES),
            *jobs.bindings,
            *retries.bindings,
        ),
    )


def _holds(hold_ttl_seconds: float) -> Topology:
    hold_ttl_milliseconds = round(hold_ttl_seconds * 1000)
    waiting = delay_queue(hold_queue_name(hold_ttl_milliseconds), hold_ttl_milliseconds, then=RELEASE_EXCHANGE)
    return Topology(
        exchanges=(Exchange(HOLD_EXCHANGE, "direct"), Exchange(RELEASE_EXCHANGE, "direct")),
        queues=(waiting, Queue(RELEASE_QUEUE, PARKED_AT_THE_LIMIT)),
        bindings=(
            Binding(HOLD_EXCHANGE, waiting.name, waiting.name),
            Binding(RELEASE_EXCHANGE, RELEASE_QUEUE, waiting.name),
        ),
    )


def _jobs() -> Topology:
    """Tokens need no parking: the job is a row, and a token that is lost is sent again."""
    return Topology(
        exchanges=(Exchange(JOBS_EXCHANGE, "direct"),),
        queues=(*(Queue(job_queue_name(kind)) for kind in JOB_KINDS), Queue(DEAD_JOBS_QUEUE)),
        bindings=tuple(Binding(JOBS_EXCHANGE, job_queue_name(kind), kind) for kind in JOB_KINDS),
    )


def _retries(retry_seconds: Sequence[float]) -> Topology:
    rungs = {retry_exchange_name(seconds): round(seconds * 1000) for seconds in retry_seconds}
    return Topology(
        exchanges=tuple(Exchange(name, "fanout") for name in rungs),
        queues=tuple(delay_queue(name, milliseconds, then=JOBS_EXCHANGE) for name, milliseconds in rungs.items()),
        bindings=tuple(Binding(name, name, "") for name in rungs),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(platform_topology().as_definitions(), indent=2) + "\n")
