"""Reading feeds."""

import uuid

from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.schemas import FeedPage

__all__ = ["Feeds"]


class Feeds:
    def __init__(self, store: FeedStore) -> None:
        self._store = store

    async def read(self, user_id: uuid.UUID, *, since: int | None, limit: int) -> FeedPage:
        """Return what happened to somebody after a sequence number; without one, only how far their feed is."""
        return await self._store.read(user_id, since=since, limit=limit)
