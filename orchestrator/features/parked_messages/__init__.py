"""Parked messages: messages that a consumer could not handle, kept until an admin replays or discards them.

Consumers of all services, and the broker itself, put such messages into the queue `parking`. A consumer in every worker
moves them to a table. A *replayed* message is sent through the outbox, in the write that records the replay, to the
queue it came from; its handler recognises it by its id.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from common.messaging.broker import Broker
from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.parked_messages.messages import ParkedMessageConsumer
from orchestrator.features.parked_messages.metrics import PARKED_MESSAGES
from orchestrator.features.parked_messages.models.tables import parked_messages
from orchestrator.features.parked_messages.repository import SETTLED_RETENTION, ParkedMessageStore
from orchestrator.features.parked_messages.routes import router
from orchestrator.features.parked_messages.service import ParkedMessageService

__all__ = ["FEATURE"]

COUNT_INTERVAL_SECONDS: Final = 5.0


def _services(resources: Resources) -> Iterable[object]:
    yield ParkedMessageService(
        store=ParkedMessageStore(resources.database),
        queues=resources.topology.parking_queues,
        wake_relay=resources.relay.wake,
    )


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    consumer = ParkedMessageConsumer(
        resources.rabbitmq_url,
        service="worker",
        topology=resources.topology,
        store=ParkedMessageStore(resources.database),
    )
    return {"parking": consumer.broker}


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    store = ParkedMessageStore(resources.database)

    async def count() -> None:
        PARKED_MESSAGES.set(await store.count())

    yield PeriodicTask(count, name="parked message count", interval_seconds=COUNT_INTERVAL_SECONDS)


FEATURE: Final = Feature(
    tables=(parked_messages,),
    routers=(router,),
    services=_services,
    worker_consumers=_worker_consumers,
    periodic=_periodic,
    retentions=lambda _: [SETTLED_RETENTION],
)
