"""What admins decide about orders that were not delivered: another attempt, or the refund."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from common.errors import Unprocessable
from orchestrator.clients.orders.digital_orders import DigitalOrdersClient, DigitalOrderStatus
from orchestrator.errors import OrderInvalidState
from orchestrator.features.digital_goods.errors import GoodsRefunded
from orchestrator.features.digital_goods.models import DELIVER
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.schemas.ordering import DigitalOrderMoved, FulfilmentRetried
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.jobs.errors import JobInvalidState
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.idempotency import use_key

__all__ = ["GoodsAdminService"]

RETRY: Final = "retry digital order"
REFUND: Final = "refund digital order"
RETRIABLE: Final = frozenset({DigitalOrderStatus.PAID, DigitalOrderStatus.WAITING, DigitalOrderStatus.READY,
                              DigitalOrderStatus.FAILED})  # fmt: skip


@dataclass(frozen=True, slots=True)
class GoodsAdminService:
    sales: SaleService
    orders: DigitalOrdersClient
    jobs: JobQueue
    store: FulfilmentJobStore

    async def retry(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> FulfilmentRetried:
        """Queue the failed jobs of an order again. One whose job was just queued again stays as it is.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it has ended, or no job of it has failed.
            Unprocessable: IDEMPOTENCY_KEY_REUSED, for the retry of another order.
        """
        await self.sales.find(order_id)
        jobs = await self.store.of_order(order_id)
        if not await self._was_retried(order_id, admin_id=admin_id, key=key):
            order = await self.orders.find(order_id)
            failed = [job for job in jobs if job.has_failed]
            is_coming = order.status is DigitalOrderStatus.FAILED and any(job.is_active for job in jobs)
            if order.status not in RETRIABLE or not (failed or is_coming):
                raise OrderInvalidState
            for job in failed:
                with suppress(JobInvalidState):  # another admin retries it
                    await self.jobs.retry(job.job_id, requested_by=admin_id)
            await use_key(self.sales.engine, order_id, RETRY, used_by=admin_id, key=key)
            jobs = await self.store.of_order(order_id)
        return FulfilmentRetried(
            order_id=order_id,
            job_ids=[job.job_id for job in jobs if job.is_active],
            message="The order is carried out again.",
        )

    async def refund(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> DigitalOrderMoved:
        """End a paid order whose codes are not ready, and return its credits. Refunding twice is the same as refunding once.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, REQUEST_IN_PROGRESS.
            Unprocessable: IDEMPOTENCY_KEY_REUSED, for the refund of another order.
            StillRunning: it exceeds the request's budget.
        """
        sale = await self.sales.find(order_id)
        await use_key(self.sales.engine, order_id, REFUND, used_by=admin_id, key=key)
        if (await self.orders.find(order_id)).status is DigitalOrderStatus.READY:
            raise OrderInvalidState
        await self.sales.end(sale, GoodsRefunded(), signal=DELIVER)
        await acknowledge_failed(order_id, store=self.store, jobs=self.jobs)
        return DigitalOrderMoved(
            order_id=order_id,
            status=DigitalOrderStatus.REFUNDED,
            message="The credits are in the buyer's wallet.",
        )

    async def _was_retried(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> bool:
        """Return whether the same request has queued the jobs before."""
        if key is None:
            return False
        used_for = await self.sales.engine.log.find_key_use(requested_by=admin_id, operation=RETRY, key=key)
        if used_for not in {None, order_id}:
            raise Unprocessable
        return used_for is not None


async def acknowledge_failed(order_id: uuid.UUID, *, store: FulfilmentJobStore, jobs: JobQueue) -> None:
    """Acknowledge the failed jobs of a refunded order: no admin has to look at them any more."""
    for job in await store.of_order(order_id):
        if job.has_failed:
            with suppress(JobInvalidState):
                await jobs.acknowledge(job.job_id)
