"""Asks the supplier about orders of which it has said nothing, because a webhook may be lost (F3)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import DigitalItemStatus, DigitalOrderFacts, DigitalOrdersClient
from orchestrator.features.digital_goods.metrics import DIGITAL_ORDERS_UNANSWERED
from orchestrator.features.digital_goods.service.delivery import DeliveryService

__all__ = ["SupplierPollingTask"]

PAGE: Final = 100
CALLS_AT_ONCE: Final = 8
# An order that has waited for long, such as a pre-order, is asked about less and less often.
SHARE_OF_AGE: Final = 10
LONGEST_PAUSE: Final = timedelta(hours=1)

logger = get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class SupplierPollingTask:
    """Asks about orders of which nothing was heard for `longer_than`. Several workers may run it at once.

    An order that is older than `settles_after` waits for nothing any more: soon its saga's deadline refunds it whole.
    `answered_at` is when the supplier last answered about an order of which nothing was heard since.
    """

    orders: DigitalOrdersClient
    delivery: DeliveryService
    longer_than: timedelta
    settles_after: timedelta
    answered_at: dict[uuid.UUID, datetime] = field(default_factory=dict, init=False)

    async def ask_all(self) -> None:
        """Ask page by page; an order about which that fails is asked about in the next run."""
        now, slots, unanswered = datetime.now(UTC), asyncio.Semaphore(CALLS_AT_ONCE), 0
        answered_at: dict[uuid.UUID, datetime] = {}
        async for page in self._pages(before=now - self.longer_than):
            moments = await asyncio.gather(*(self._answered(order, now, slots) for order in page))
            answered_at |= {order.order_id: moment for order, moment in zip(page, moments, strict=True) if moment}
            unanswered += moments.count(None)
        self.answered_at = answered_at  # those of which something was heard are forgotten
        DIGITAL_ORDERS_UNANSWERED.set(unanswered)

    async def _pages(self, *, before: datetime) -> AsyncIterator[list[DigitalOrderFacts]]:
        after: uuid.UUID | None = None
        while page := await self.orders.silent(before=before, after=after, limit=PAGE):
            yield page
            after = page[-1].order_id

    async def _answered(self, order: DigitalOrderFacts, now: datetime, slots: asyncio.Semaphore) -> datetime | None:
        """Return when the supplier last answered about an order, after asking it if that is due; None if it does not."""
        answered_at = self.answered_at.get(order.order_id)
        age = now - (order.paid_at or order.created_at)
        pause = min(max(self.longer_than, age / SHARE_OF_AGE), LONGEST_PAUSE)
        # An order without a RESERVED item waits for this platform: the process that was to go on with it has crashed.
        is_waiting = any(item.status is DigitalItemStatus.RESERVED for item in order.items)
        is_late = now - order.created_at > self.settles_after
        if is_waiting and not is_late and answered_at is not None and now - answered_at < pause:
            return answered_at
        async with slots:
            return now if await self._ask(order, is_late=is_late) else None

    async def _ask(self, order: DigitalOrderFacts, *, is_late: bool) -> bool:
        """Apply what the supplier says, and return whether it answered about every item."""
        is_answered = True
        try:
            if is_late:
                await self.delivery.settle_rest(order)
            else:
                order, is_answered = await self.delivery.ask_all(order)
                await self.delivery.settle_order(order)
        except ServiceError as error:
            logger.warning(
                "supplier_polling.not_settled", order_id=str(order.order_id), code=error.code, **error.private
            )
        return is_answered
