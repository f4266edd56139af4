"""Seat maps as JSON. They are public, so concurrent readers of a large hall share one.

A seat map of 100,000 seats takes seconds of CPU time. It is built once for all concurrent requests and kept ten times as
long as it took to build, so readers take at most a tenth of a core from the buyers. The map of a small hall is built for
each request, so it is always current.
"""

import asyncio
import time
import uuid
from typing import Final

from cachetools import LRUCache

from orchestrator.clients.events import EventFacts
from orchestrator.clients.inventory.seats import InventoryClient

__all__ = ["SeatMaps"]

SMALL_HALL: Final = 1_000  # seats; its map takes a few milliseconds
KEPT_FOR_BUILD_TIMES: Final = 10
KEPT_MAPS: Final = 16  # a large one has up to 14 MB


class SeatMaps:
    def __init__(self, inventory: InventoryClient) -> None:
        self._inventory = inventory
        self._maps: LRUCache[uuid.UUID, tuple[asyncio.Task[bytes], float]] = LRUCache(KEPT_MAPS)

    async def of(self, event: EventFacts) -> bytes:
        """Return the JSON array of the event's seats, in hall order (`SeatView`).

        Raises:
            Unavailable: the inventory does not respond.
        """
        if event.total_seats <= SMALL_HALL:
            return await self._inventory.seat_map(event.event_id)
        building, kept_until = self._maps.get(event.event_id, (None, 0.0))
        if building is None or (building.done() and time.monotonic() >= kept_until):
            building = asyncio.create_task(self._build(event.event_id))
            self._maps[event.event_id] = (building, 0.0)
        return await asyncio.shield(building)

    async def _build(self, event_id: uuid.UUID) -> bytes:
        started_at = time.monotonic()
        seat_map = await self._inventory.seat_map(event_id)
        done_at = time.monotonic()
        if task := asyncio.current_task():
            self._maps[event_id] = (task, done_at + KEPT_FOR_BUILD_TIMES * (done_at - started_at))
        return seat_map
