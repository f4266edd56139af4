"""Reads feeds."""

import uuid

from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.schemas import FeedPage


class FeedService:
    def __init__(self, store: FeedStore) -> None:
        self._store = store

    async def read(self, user_id: uuid.UUID, *, since: int | None, limit: int) -> FeedPage:
        """Return a user's entries after a sequence number; without one, only the last sequence number."""
        return await self._store.read(user_id, since=since, limit=limit)
