"""Refunds failed orders that no admin has retried in time (C6)."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.commissions import CommissionFacts, CommissionsClient, CommissionStatus
from orchestrator.features.commissions.errors import CommissionFailed
from orchestrator.features.commissions.models import APPROVE, job_id_of
from orchestrator.features.commissions.repository import WritingJobStore
from orchestrator.features.commissions.service.sales import end_sale, find_sale
from orchestrator.saga_engine.engine import SagaEngine, StillRunning

__all__ = ["FailedOrderTask"]

# As many are ended at once: one takes seconds while a participant is unavailable.
BATCH: Final = 20

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FailedOrderTask:
    """Ends orders that have been FAILED for longer than `keep`. Several workers may run it at once."""

    engine: SagaEngine
    commissions: CommissionsClient
    store: WritingJobStore
    keep: timedelta

    async def refund_all(self) -> None:
        before, last_id = datetime.now(UTC) - self.keep, None
        while orders := await self.commissions.stalled(
            CommissionStatus.FAILED, before=before, after=last_id, limit=BATCH
        ):
            await asyncio.gather(*(self.refund(order) for order in orders))
            last_id = orders[-1].order_id

    async def refund(self, order: CommissionFacts) -> None:
        """Refund an order as it was listed, unless an admin has retried it or its job since."""
        try:
            current = await self.commissions.find(order.order_id)
            job_id = job_id_of(order.order_id, round_number=order.round)
            jobs = (await self.store.find([job_id])).values()
            if current.failed_at != order.failed_at or any(job.is_active for job in jobs):
                return
            saga = await find_sale(self.engine, order.order_id)
            await end_sale(self.engine, saga, CommissionFailed(), signal=APPROVE)
        except StillRunning:
            pass  # it goes on in the background
        except ServiceError as error:
            logger.warning("failed_commissions.refused", order_id=str(order.order_id), code=error.code)
