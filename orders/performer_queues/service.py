"""What the orders service does with performers' queues."""

import uuid
from collections.abc import Callable

from orders.performer_queues.repository import PerformerQueueRepository
from orders.performer_queues.schemas import PerformerQueue
from orders.purchased_items.schemas import PurchasedItem


class PerformerQueueService:
    """`wake_relay` is called when messages were committed to the outbox."""

    def __init__(self, repository: PerformerQueueRepository, *, wake_relay: Callable[[], None]) -> None:
        self._queues = repository
        self._wake_relay = wake_relay

    async def find(self, performer_id: uuid.UUID) -> PerformerQueue:
        return await self._queues.find(performer_id)

    async def set_paused(self, performer_id: uuid.UUID, *, is_paused: bool) -> PerformerQueue:
        return await self._queues.set_paused(performer_id, is_paused=is_paused)

    async def items(self, performer_id: uuid.UUID, *, limit: int, offset: int) -> list[PurchasedItem]:
        return await self._queues.items(performer_id, limit=limit, offset=offset)

    async def place_due(self) -> None:
        """Give scheduled items that are due their places, and announce these."""
        if await self._queues.place_due():
            self._wake_relay()

    async def announce_next(self) -> None:
        """Announce the items whose turn comes, each once."""
        if await self._queues.announce_next():
            self._wake_relay()
