"""What an export or a deletion asks of purchased items, commissions and digital orders."""

import uuid
from typing import Final, NamedTuple

from sqlalchemy import text

from common.db.engine import Database

# An OPENING item, commission or order is left to its saga, which ends within seconds.
_COUNT_OPEN: Final = text(
    """
    SELECT (SELECT count(*) FROM purchased_items
            WHERE buyer_user_id = :user_id AND status IN ('PENDING', 'IN_PROGRESS'))
           + (SELECT count(*) FROM purchased_items WHERE performer_id = :user_id AND status = 'PENDING')
           + (SELECT count(*) FROM purchased_items WHERE performer_id = :user_id AND status = 'IN_PROGRESS')
               AS unfinished,
           (SELECT count(*) FROM purchased_items
            WHERE performer_id = :user_id AND status = 'SUCCESS' AND settlement_status = 'pending') AS unpaid,
           (SELECT count(*) FROM commissions
            WHERE customer_user_id = :user_id
              AND status NOT IN ('OPENING', 'COMPLETED', 'REFUNDED', 'CANCELLED')) AS commissions,
           (SELECT count(*) FROM digital_orders
            WHERE buyer_user_id = :user_id
              AND status NOT IN ('OPENING', 'FULFILLED', 'REFUNDED', 'CANCELLED')) AS digital_orders
    """
)
# What a performer wrote to the buyer may name them.
_ERASE_TEXTS: Final = text(
    """
    UPDATE purchased_items SET message = '', note = '', file_url = '', explanation = ''
    WHERE buyer_user_id = :user_id AND (message, note, file_url, explanation) <> ('', '', '', '')
    """
)
# The published text stays, and so does what it is about; a report of quality checks may quote the text.
_ERASE_COMMISSIONS: Final = text(
    """
    WITH erased AS (
        UPDATE commissions SET
            brief = '', keywords = '{}', notes = '', review_notes = '', checkout_url = NULL,
            target_url = CASE status WHEN 'COMPLETED' THEN target_url END,
            anchor_text = CASE status WHEN 'COMPLETED' THEN anchor_text END,
            title = CASE status WHEN 'COMPLETED' THEN title ELSE '' END
        WHERE customer_user_id = :user_id
        RETURNING order_id, status, version_number)
    UPDATE commission_versions AS version SET
        notes = '', changes = '', quality = version.quality - 'findings',
        title = CASE number WHEN published THEN title ELSE '' END,
        content = CASE number WHEN published THEN content ELSE '' END
    FROM (SELECT order_id, CASE status WHEN 'COMPLETED' THEN version_number END AS published FROM erased) AS erased
    WHERE version.order_id = erased.order_id
    """
)
# The codes count as downloaded long ago, so the periodic task deletes the object and the rows. Refunded orders have none.
_ERASE_CODES: Final = text(
    """
    UPDATE digital_orders SET downloaded_at = to_timestamp(0)
    WHERE buyer_user_id = :user_id AND status = 'FULFILLED' AND storage_ref IS NOT NULL
    """
)


class OpenItems(NamedTuple):
    """A user's items that are not over, bought or sold, those whose price is not paid out yet, and orders that are not over."""

    unfinished: int
    unpaid: int
    commissions: int
    digital_orders: int


class PersonalDataRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_open(self, user_id: uuid.UUID) -> OpenItems:
        row = await self._database.fetch_one(_COUNT_OPEN, {"user_id": user_id})
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return OpenItems(row["unfinished"], row["unpaid"], row["commissions"], row["digital_orders"])

    async def erase_texts(self, user_id: uuid.UUID) -> None:
        """Remove what a buyer and performers wrote about the buyer's items, what a customer ordered, and codes of goods."""
        await self._database.execute(_ERASE_TEXTS, {"user_id": user_id})
        await self._database.execute(_ERASE_COMMISSIONS, {"user_id": user_id})
        await self._database.execute(_ERASE_CODES, {"user_id": user_id})
