"""A user's data in the orchestrator's database: the feed."""

import uuid
from typing import Any, Final

from sqlalchemy import text

from common.db.engine import Database
from common.messaging.inbox import RECEIVED
from common.messaging.message import Message

__all__ = ["PersonalDataRepository"]

CONSUMER: Final = "personal data"

_READ_FEED: Final = text(
    """
    SELECT sequence, message, created_at FROM user_feed
    WHERE user_id = :user_id AND sequence < CAST(:before AS bigint) ORDER BY sequence DESC LIMIT :limit
    """
)
# The head stays: the numbers of a feed have no gap.
_ERASE: Final = text(
    f"""
    WITH {RECEIVED}
    DELETE FROM user_feed USING received WHERE user_id = :user_id
    """  # noqa: S608 - constants only
)


class PersonalDataRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def feed_of(self, user_id: uuid.UUID, *, before: int, limit: int) -> list[dict[str, Any]]:
        """Return entries with lower numbers than `before`, newest first."""
        parameters = {"user_id": user_id, "before": before, "limit": limit}
        return [dict(row) for row in await self._database.fetch_all(_READ_FEED, parameters)]

    async def erase(self, user_id: uuid.UUID, message: Message) -> None:
        """Delete the feed, once for a message."""
        await self._database.execute(_ERASE, {"user_id": user_id, "message_id": message.id, "consumer": CONSUMER})
