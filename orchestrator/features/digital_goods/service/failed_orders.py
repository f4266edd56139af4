"""Refunds failed orders that no admin has retried in time (F1)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import (
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
)
from orchestrator.features.digital_goods.errors import GoodsFailed
from orchestrator.features.digital_goods.models import DELIVER
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.service.admin import acknowledge_failed
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["FailedDigitalOrderTask"]

# As many are ended at once: one takes seconds while a participant is unavailable.
BATCH: Final = 20
# An order is called FAILED shortly before it ends.
ENDING: Final = timedelta(minutes=1)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDigitalOrderTask:
    """Ends orders that have been FAILED, or whose job has been dead, for longer than `keep`. Several workers may run it.

    An order whose items have all failed needs no admin: whoever was to end it has died, or its saga did not wait yet.
    """

    sales: SaleService
    orders: DigitalOrdersClient
    jobs: JobQueue
    store: FulfilmentJobStore
    keep: timedelta
    grace: timedelta = ENDING

    async def refund_all(self) -> None:
        async for order_ids in self._listed():
            await asyncio.gather(*(self.refund(order_id) for order_id in order_ids))

    async def _listed(self) -> AsyncIterator[set[uuid.UUID]]:
        now, last_id = datetime.now(UTC), None
        while jobs := await self.store.dead(before=now - self.keep, after=last_id, limit=BATCH):
            yield {job.order_id for job in jobs}
            last_id = jobs[-1].job_id
        async for orders in self._failed(before=now - self.keep):
            yield {order.order_id for order in orders}
        async for orders in self._failed(before=now - self.grace):
            yield {order.order_id for order in orders if has_nothing_to_come(order)}

    async def _failed(self, *, before: datetime) -> AsyncIterator[list[DigitalOrderFacts]]:
        after: uuid.UUID | None = None
        while orders := await self.orders.stalled(DigitalOrderStatus.FAILED, before=before, after=after, limit=BATCH):
            yield orders
            after = orders[-1].order_id

    async def refund(self, order_id: uuid.UUID) -> None:
        """Refund an order whose job was listed, unless an admin has retried it since."""
        try:
            order = await self.orders.find(order_id)
            if any(job.is_active for job in await self.store.of_order(order_id)):
                return
            if order.status is DigitalOrderStatus.FAILED:
                await self.sales.end(await self.sales.find(order_id), GoodsFailed(), signal=DELIVER)
            elif order.ended_at is None:
                return
            await acknowledge_failed(order_id, store=self.store, jobs=self.jobs)
        except StillRunning:
            pass  # it goes on in the background
        except ServiceError as error:
            logger.warning("failed_digital_orders.refused", order_id=str(order_id), code=error.code)


def has_nothing_to_come(order: DigitalOrderFacts) -> bool:
    return all(item.status is DigitalItemStatus.FAILED for item in order.items)
