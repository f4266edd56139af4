"""Settles orders that no job works on: failed ones, and paid ones whose job has ended without a result (F1)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import DigitalItemStatus, DigitalOrderFacts, DigitalOrderStatus
from orchestrator.features.digital_goods.errors import ReservationFailed
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.service.admin import acknowledge_failed
from orchestrator.features.digital_goods.service.delivery import DeliveryService
from orchestrator.jobs.service import JobQueue

__all__ = ["FailedDigitalOrderTask"]

# As many are settled at once: one takes seconds while a participant is unavailable.
BATCH: Final = 20
# An order becomes PAID, or FAILED, shortly before its job is queued, or has ended.
GRACE: Final = timedelta(minutes=5)

Act = Callable[[DigitalOrderFacts], Awaitable[None]]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDigitalOrderTask:
    """Finds orders by their status, whatever has become of their jobs. Several workers may run it at once.

    Args:
        keep: how long a FAILED order waits for an admin.
        settles_after: the age at which an order waits for nothing any more, before its saga's deadline refunds it whole.
    """

    delivery: DeliveryService
    jobs: JobQueue
    store: FulfilmentJobStore
    keep: timedelta
    settles_after: timedelta
    grace: timedelta = GRACE

    async def settle_all(self) -> None:
        await self._each(DigitalOrderStatus.PAID, self.grace, self.fail)
        await self._each(DigitalOrderStatus.FAILED, self.grace, self.settle)
        await self._each(DigitalOrderStatus.FAILED, self.keep, self.end)

    async def fail(self, order: DigitalOrderFacts) -> None:
        """Make an order FAILED whose reserve job is dead, refused or cancelled, and has not said so."""
        await self.delivery.fail_order(order.order_id, ReservationFailed())

    async def settle(self, order: DigitalOrderFacts) -> None:
        """Go on with an order of which no item is PENDING: it needs no other attempt. End an old one."""
        if datetime.now(UTC) - order.created_at > self.settles_after:
            await self.end(order)
        elif all(item.status is not DigitalItemStatus.PENDING for item in order.items):
            await self.delivery.settle_order(order)
            await acknowledge_failed(order.order_id, store=self.store, jobs=self.jobs)

    async def end(self, order: DigitalOrderFacts) -> None:
        """Deliver what came of an order, and refund the rest."""
        await self.delivery.settle_rest(order)
        await acknowledge_failed(order.order_id, store=self.store, jobs=self.jobs)

    async def _each(self, status: DigitalOrderStatus, age: timedelta, act: Act) -> None:
        before, after = datetime.now(UTC) - age, None
        while page := await self.delivery.orders.stalled(status, before=before, after=after, limit=BATCH):
            await asyncio.gather(*(self.unless_retried(order, act) for order in page))
            after = page[-1].order_id

    async def unless_retried(self, listed: DigitalOrderFacts, act: Act) -> None:
        """Act on an order as it was listed, unless a job works on it, or it has moved on since."""
        try:
            order = await self.delivery.orders.find(listed.order_id)
            jobs = await self.store.of_order(listed.order_id)
            if order.status is listed.status and not any(job.is_active for job in jobs):
                await act(order)
        except ServiceError as error:
            logger.warning("failed_digital_orders.refused", order_id=str(listed.order_id), code=error.code)
