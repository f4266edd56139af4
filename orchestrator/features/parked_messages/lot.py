"""What a worker runs for parked messages, put together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from common.db.engine import Database
from common.messaging.topology import Topology
from common.periodic import Retention
from orchestrator.features.parked_messages.messages import ParkedMessageConsumer
from orchestrator.features.parked_messages.metrics import PARKED_MESSAGES
from orchestrator.features.parked_messages.repository import ParkedMessageStore

__all__ = ["ParkingLot"]

COUNT_EVERY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ParkingLot:
    keeper: ParkedMessageConsumer
    counting: Retention
    retention: Retention

    @classmethod
    def of(cls, database: Database, *, rabbitmq_url: str, topology: Topology) -> Self:
        """Construct it. Nothing connects before `start`."""
        store = ParkedMessageStore(database)
        keeper = ParkedMessageConsumer(rabbitmq_url, service="worker", topology=topology, store=store)
        counting = Retention(partial(_show, store.count), every_seconds=COUNT_EVERY_SECONDS)
        return cls(keeper, counting, Retention(store.trim))

    def start(self) -> None:
        self.keeper.broker.start()
        self.counting.start()
        self.retention.start()

    async def close(self) -> None:
        await self.retention.close()
        await self.counting.close()
        await self.keeper.broker.close()


async def _show(count: Callable[[], Awaitable[int]]) -> None:
    PARKED_MESSAGES.set(await count())
