"""A user's data in the orchestrator's database: the feed, and texts in the data of sagas."""

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
ERASED_AT_ONCE: Final = 500
# An item without a message has been erased: it is read as an empty one.
_ERASE_TEXTS: Final = text(
    """
    UPDATE sagas SET data = data #- '{item,message}' || '{"explanation": "", "note": "", "file_url": "", "device": null}'
    WHERE saga_id = ANY(ARRAY(
        SELECT saga_id FROM sagas
        WHERE requested_by = :user_id AND due_at IS NULL AND data #> '{item,message}' IS NOT NULL LIMIT :limit))
    """
)
# What a customer ordered: of the saga that sells a commission, and of one that has a text written again.
_ERASE_COMMISSIONS: Final = text(
    """
    UPDATE sagas SET data = CASE WHEN data ? 'order' THEN jsonb_set(
            data, '{order}',
            data -> 'order' || '{"brief": "", "keywords": [], "target_url": null, "anchor_text": null}')
        ELSE data || '{"notes": ""}' END
    WHERE saga_id = ANY(ARRAY(
        SELECT saga_id FROM sagas
        WHERE requested_by = :user_id AND due_at IS NULL AND kind LIKE 'commission%'
          AND (data #>> '{order,brief}' <> '' OR data ->> 'notes' <> '') LIMIT :limit))
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

    async def erase_texts(self, user_id: uuid.UUID) -> None:
        """Remove what a buyer and performers wrote from the data of ended sagas, also of refused purchases."""
        for statement in (_ERASE_TEXTS, _ERASE_COMMISSIONS):
            while await self._database.execute(statement, {"user_id": user_id, "limit": ERASED_AT_ONCE}):
                pass

    async def erase(self, user_id: uuid.UUID, message: Message) -> None:
        """Delete the feed, once for a message."""
        await self._database.execute(_ERASE, {"user_id": user_id, "message_id": message.id, "consumer": CONSUMER})
