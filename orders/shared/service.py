"""The common part of the services of all aggregates."""

import enum
import uuid
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from common.errors import NotFound
from common.http.calls import RepeatableCall, UndoCall
from orders.shared.repository import AggregateRepository, SeatAggregateRepository
from orders.shared.transitions import Move

__all__ = ["AggregateService", "SeatAggregateService"]

Item = TypeVar("Item", bound=BaseModel)
Undone = TypeVar("Undone", bound=BaseModel)
Status = TypeVar("Status", bound=enum.StrEnum)


class AggregateService(Generic[Item, Status]):
    """Reads for other services."""

    statuses: type[Status]
    not_found: type[NotFound]

    def __init__(self, repository: AggregateRepository[Item]) -> None:
        self._reads = repository

    async def find(self, key: uuid.UUID) -> Item:
        """Return an item.

        Raises:
            NotFound: there is none of that id.
        """
        item = await self._reads.find(key)
        if item is None:
            raise self.not_found
        return item

    async def oldest(self, event_id: uuid.UUID, *, status: Status | None, limit: int, offset: int = 0) -> list[Item]:
        """Return an event's items, oldest first."""
        return await self._reads.oldest(event_id, status=status, limit=limit, offset=offset)

    async def counts(self, event_id: uuid.UUID) -> dict[Status, int]:
        """Return the number of the event's items of every status."""
        counts = await self._reads.counts(event_id)
        return {status: counts.get(status, 0) for status in self.statuses}


class SeatAggregateService(AggregateService[Item, Status], Generic[Item, Undone, Status]):
    """Openings and status moves, for the orchestrator; see `SeatAggregateRepository`."""

    def __init__(self, repository: SeatAggregateRepository[Item, Undone]) -> None:
        super().__init__(repository)
        self._moves = repository

    async def open(self, opening: RepeatableCall) -> Item:
        return await self._moves.open(opening)

    async def move(self, key: uuid.UUID, move: Move, call: Any) -> Item:
        return await self._moves.move(key, move, call)

    async def begin_owner_change(self, key: uuid.UUID, call: RepeatableCall) -> Item:
        return await self._moves.begin_owner_change(key, call)

    async def abandon_owner_change(self, key: uuid.UUID, undo: UndoCall) -> Undone:
        return await self._moves.abandon_owner_change(key, undo)

    async def undo(self, key: uuid.UUID, move: Move, call: UndoCall) -> Undone:
        return await self._moves.undo(key, move, call)
