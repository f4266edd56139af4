"""What the orders service does with performers' queues."""

import uuid

from orders.performer_queues.repository import PerformerQueueRepository
from orders.performer_queues.schemas import PerformerQueue
from orders.purchased_items.schemas import PurchasedItem


class PerformerQueueService:
    def __init__(self, repository: PerformerQueueRepository) -> None:
        self._queues = repository

    async def find(self, performer_id: uuid.UUID) -> PerformerQueue:
        return await self._queues.find(performer_id)

    async def set_paused(self, performer_id: uuid.UUID, *, is_paused: bool) -> PerformerQueue:
        return await self._queues.set_paused(performer_id, is_paused=is_paused)

    async def items(self, performer_id: uuid.UUID, *, limit: int, offset: int) -> list[PurchasedItem]:
        return await self._queues.items(performer_id, limit=limit, offset=offset)
