"""Refunds failed orders that no admin has retried in time (F1)."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import DigitalOrdersClient, DigitalOrderStatus
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

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDigitalOrderTask:
    """Ends FAILED orders whose job has been dead for longer than `keep`. Several workers may run it at once."""

    sales: SaleService
    orders: DigitalOrdersClient
    jobs: JobQueue
    store: FulfilmentJobStore
    keep: timedelta

    async def refund_all(self) -> None:
        before, last_id = datetime.now(UTC) - self.keep, None
        while jobs := await self.store.dead(before=before, after=last_id, limit=BATCH):
            await asyncio.gather(*(self.refund(order_id) for order_id in {job.order_id for job in jobs}))
            last_id = jobs[-1].job_id

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
