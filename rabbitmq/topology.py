"""The platform's topology on the broker. `definitions.json` is generated from it, and a test compares the two.

After a change, generate the file: ``python -m rabbitmq.topology > rabbitmq/definitions.json``.
"""

import json
import sys
from collections.abc import Sequence
from typing import Final

from common.messaging.declarations import (
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
    "ACCOUNT_EMAILS_QUEUE",
    "AUDIT_QUEUE",
    "COMMISSION_PAYMENTS_QUEUE",
    "DEAD_JOBS_QUEUE",
    "DEFAULT_HOLD_TTL_MILLISECONDS",
    "DEFAULT_RETRY_SECONDS",
    "DIGITAL_ORDER_PAYMENTS_QUEUE",
    "EARNINGS_QUEUE",
    "HOLD_EXCHANGE",
    "JOBS_EXCHANGE",
    "JOB_KINDS",
    "NOTIFICATIONS_QUEUE",
    "NOTIFYING_MESSAGES",
    "ORCHESTRATOR_HOLDS_QUEUE",
    "PERSONAL_DATA_QUEUE",
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

AUDIT_QUEUE: Final = "orchestrator.audit.queue"
PERSONAL_DATA_QUEUE: Final = "orchestrator.personal-data.queue"
NOTIFICATIONS_QUEUE: Final = "orchestrator.notifications.queue"
# The messages that users' feeds and emails are made from.
NOTIFYING_MESSAGES: Final = (
    "order.*",
    "transfer.*",
    "sale.*",
    "payment.*",
    "job.*",
    "event.cancelled",
    "event.rescheduled",
    "ticket.rescheduled",
    "purchased_item.*",
    "subscription.*",
    "payout.*",
    "commission.*",
    "fulfillment.*",
    "webhook.received",
)
# A queue of its own: a worker of the release before drops what it does not know from the queue of notifications.
ACCOUNT_EMAILS_QUEUE: Final = "orchestrator.account-emails.queue"
EARNINGS_QUEUE: Final = "orders.earnings.queue"
COMMISSION_PAYMENTS_QUEUE: Final = "orchestrator.commission-payments.queue"
DIGITAL_ORDER_PAYMENTS_QUEUE: Final = "orchestrator.digital-order-payments.queue"
DEFAULT_HOLD_TTL_MILLISECONDS: Final = 300_000

JOBS_EXCHANGE: Final = "jobs.exchange"
DEAD_JOBS_QUEUE: Final = "jobs.dead"
JOB_KINDS: Final = (
    "performance",
    "commission",
    "fulfillment",
    "webhook",
    "email",
    "account_email",
    "sms",
    "delivery",
    "reconciliation",
    "device",
    "bulk",
)
DEFAULT_RETRY_SECONDS: Final = (2.0, 4.0, 8.0, 16.0, 32.0)  # the backoff schedule of F2


def hold_queue_name(hold_ttl_milliseconds: int) -> str:
    """Return the queue's name. A queue's TTL cannot be changed, so each TTL has a queue of its own."""
    if hold_ttl_milliseconds == DEFAULT_HOLD_TTL_MILLISECONDS:
        return "seat.hold.queue"
    return f"seat.hold.queue.{hold_ttl_milliseconds}ms"


def job_queue_name(kind: str) -> str:
    return f"jobs.{kind}"


def retry_exchange_name(seconds: float) -> str:
    """Return the name of the exchange for one retry delay, which is also the name of its queue."""
    return f"jobs.retry.{seconds:.0f}s" if float(seconds).is_integer() else f"jobs.retry.{seconds * 1000:.0f}ms"


def platform_topology(
    hold_ttl_seconds: float = DEFAULT_HOLD_TTL_MILLISECONDS / 1000,
    retry_seconds: Sequence[float] = DEFAULT_RETRY_SECONDS,
) -> Topology:
    """Return the topology that every process declares when it connects.

    Holds wait in a queue without consumers. After their TTL the broker dead-letters them to the release queue, at least
    once. A message for a full queue is rejected, so the outbox keeps it.

    Jobs wait for a retry likewise, in one queue per delay. Each has a fanout exchange, so that the routing key can be
    the job's kind, by which the broker routes the message after the delay.
    """
    holds, jobs, retries = _holds(hold_ttl_seconds), _jobs(), _retries(retry_seconds)
    return Topology(
        exchanges=(*holds.exchanges, Exchange(MESSAGES_EXCHANGE, "topic"), *jobs.exchanges, *retries.exchanges),
        queues=(
            *holds.queues,
            Queue(ORCHESTRATOR_HOLDS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(NOTIFICATIONS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(ACCOUNT_EMAILS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(AUDIT_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(PERSONAL_DATA_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(EARNINGS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(COMMISSION_PAYMENTS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(DIGITAL_ORDER_PAYMENTS_QUEUE, PARKED_AT_THE_LIMIT),
            Queue(PARKING_QUEUE),
            *jobs.queues,
            *retries.queues,
        ),
        bindings=(
            *holds.bindings,
            Binding(MESSAGES_EXCHANGE, ORCHESTRATOR_HOLDS_QUEUE, "hold.expired"),
            Binding(MESSAGES_EXCHANGE, ACCOUNT_EMAILS_QUEUE, "account.email_requested"),
            *(Binding(MESSAGES_EXCHANGE, NOTIFICATIONS_QUEUE, key) for key in NOTIFYING_MESSAGES),
            Binding(MESSAGES_EXCHANGE, AUDIT_QUEUE, "audit.recorded"),
            Binding(MESSAGES_EXCHANGE, PERSONAL_DATA_QUEUE, "user.deleted"),
            Binding(MESSAGES_EXCHANGE, EARNINGS_QUEUE, "purchased_item.success"),
            Binding(MESSAGES_EXCHANGE, COMMISSION_PAYMENTS_QUEUE, "payment.confirmed"),
            Binding(MESSAGES_EXCHANGE, COMMISSION_PAYMENTS_QUEUE, "payment.failed"),
            Binding(MESSAGES_EXCHANGE, DIGITAL_ORDER_PAYMENTS_QUEUE, "payment.confirmed"),
            Binding(MESSAGES_EXCHANGE, DIGITAL_ORDER_PAYMENTS_QUEUE, "payment.failed"),
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
    """Return the job queues. Wake-up messages are not parked: the job is a row, and a lost message is sent again."""
    return Topology(
        exchanges=(Exchange(JOBS_EXCHANGE, "direct"),),
        queues=(*(Queue(job_queue_name(kind)) for kind in JOB_KINDS), Queue(DEAD_JOBS_QUEUE)),
        bindings=tuple(Binding(JOBS_EXCHANGE, job_queue_name(kind), kind) for kind in JOB_KINDS),
    )


def _retries(retry_seconds: Sequence[float]) -> Topology:
    delays = {retry_exchange_name(seconds): round(seconds * 1000) for seconds in retry_seconds}
    return Topology(
        exchanges=tuple(Exchange(name, "fanout") for name in delays),
        queues=tuple(delay_queue(name, milliseconds, then=JOBS_EXCHANGE) for name, milliseconds in delays.items()),
        bindings=tuple(Binding(name, name, "") for name in delays),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(platform_topology().as_definitions(), indent=2) + "\n")
