"""What the orders service tells of earnings."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from common.errors import InvalidRequest
from common.pages import Cursor, Total
from common.time_zones import zone_of
from orders.earnings.repository import EarningsRepository
from orders.earnings.schemas import Earnings
from orders.purchased_items.repository import PurchasedItemRepository
from orders.purchased_items.schemas import PublicItem

MOST_DAYS: Final = 366
USUAL_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class EarningsService:
    earnings: EarningsRepository
    items: PurchasedItemRepository

    async def sales(
        self, performer_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[PublicItem], Total]:
        """Return a page of what a performer sold, as they may see it, newest first, and the number on all pages."""
        items, total = await self.items.page_of_performer(performer_id, limit=limit, offset=offset, after=after)
        return [item.for_performer() for item in items], total

    async def sums(self, performer_id: uuid.UUID, *, first: date | None, last: date | None) -> Earnings:
        """Return what a performer earned; in the last 30 days if no range is given.

        Raises:
            InvalidRequest: the range is reversed, or longer than 366 days.
        """
        time_zone = await self.earnings.time_zone_of(performer_id)
        today = datetime.now(UTC).astimezone(zone_of(time_zone)).date()
        last = last or max(today, first or today)
        first = first or date.fromordinal(max(last.toordinal() - USUAL_DAYS + 1, 1))
        if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
            raise InvalidRequest(f"`from` is not after `to`, and they are {MOST_DAYS} days at most.")
        return await self.earnings.sums(performer_id, first=first, last=last, today=today)
