"""What an export or a deletion asks of purchased items."""

import uuid
from typing import Final, NamedTuple

from sqlalchemy import text

from common.db.engine import Database

# An OPENING item is left to its saga, which ends within seconds.
_COUNT_OPEN: Final = text(
    """
    SELECT (SELECT count(*) FROM purchased_items
            WHERE buyer_user_id = :user_id AND status IN ('PENDING', 'IN_PROGRESS'))
           + (SELECT count(*) FROM purchased_items WHERE performer_id = :user_id AND status = 'PENDING')
           + (SELECT count(*) FROM purchased_items WHERE performer_id = :user_id AND status = 'IN_PROGRESS')
               AS unfinished,
           (SELECT count(*) FROM purchased_items
            WHERE performer_id = :user_id AND status = 'SUCCESS' AND settlement_status = 'pending') AS unpaid
    """
)
# What a performer wrote to the buyer may name them.
_ERASE_TEXTS: Final = text(
    """
    UPDATE purchased_items SET message = '', note = '', file_url = '', explanation = ''
    WHERE buyer_user_id = :user_id AND (message, note, file_url, explanation) <> ('', '', '', '')
    """
)


class OpenItems(NamedTuple):
    """A user's items that are not over, bought or sold, and the items whose price is not paid out yet."""

    unfinished: int
    unpaid: int


class PersonalDataRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_open(self, user_id: uuid.UUID) -> OpenItems:
        row = await self._database.fetch_one(_COUNT_OPEN, {"user_id": user_id})
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return OpenItems(row["unfinished"], row["unpaid"])

    async def erase_texts(self, user_id: uuid.UUID) -> None:
        """Remove what a buyer and the performers wrote to each other about the buyer's items."""
        await self._database.execute(_ERASE_TEXTS, {"user_id": user_id})
