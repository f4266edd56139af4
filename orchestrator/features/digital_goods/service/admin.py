"""What admins decide about orders that were not delivered: another attempt, or the refund."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.clients.orders.digital_orders import (
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
)
from orchestrator.errors import OrderInvalidState
from orchestrator.features.digital_goods.errors import GoodsRefunded
from orchestrator.features.digital_goods.models import DELIVER
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.schemas.ordering import DigitalOrderMoved, FulfilmentRetried
from orchestrator.features.digital_goods.service.delivery import DeliveryService, has_codes
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.jobs.errors import JobInvalidState
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.idempotency import check_key, use_key

__all__ = ["GoodsAdminService"]

RETRY: Final = "retry digital order"
REFUND: Final = "refund digital order"
NOT_AWAITED: Final = "It had not come when the order was refunded."
RETRIABLE: Final = frozenset({DigitalOrderStatus.PAID, DigitalOrderStatus.WAITING, DigitalOrderStatus.READY,
                              DigitalOrderStatus.FAILED})  # fmt: skip


@dataclass(frozen=True, slots=True)
class GoodsAdminService:
    sales: SaleService
    orders: DigitalOrdersClient
    jobs: JobQueue
    store: FulfilmentJobStore
    delivery: DeliveryService

    async def retry(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> FulfilmentRetried:
        """Queue the failed jobs of an order again. One whose job was just queued again stays as it is.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it has ended, or no job of it has failed.
            Unprocessable: IDEMPOTENCY_KEY_REUSED, for the retry of another order.
        """
        await self.sales.find(order_id)
        engine, jobs = self.sales.engine, await self.store.of_order(order_id)
        if not await check_key(engine, order_id, RETRY, signalled_by=admin_id, key=key):
            order = await self.orders.find(order_id)
            failed = [job for job in jobs if job.has_failed]
            is_coming = order.status is DigitalOrderStatus.FAILED and any(job.is_active for job in jobs)
            if order.status not in RETRIABLE or not (failed or is_coming):
                raise OrderInvalidState
            for job in failed:
                with suppress(JobInvalidState):  # another admin retries it
                    await self.jobs.retry(job.job_id, requested_by=admin_id)
            await use_key(engine, order_id, RETRY, used_by=admin_id, key=key)
            jobs = await self.store.of_order(order_id)
        return FulfilmentRetried(
            order_id=order_id,
            job_ids=[job.job_id for job in jobs if job.is_active],
            message="The order is carried out again.",
        )

    async def refund(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> DigitalOrderMoved:
        """End a paid order: return the credits of what has not come, and deliver what has. Repeating it changes nothing.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, such as that every code has come; REQUEST_IN_PROGRESS.
            Unprocessable: IDEMPOTENCY_KEY_REUSED, for the refund of another order.
            StillRunning: it exceeds the request's budget.
        """
        sale = await self.sales.find(order_id)
        await use_key(self.sales.engine, order_id, REFUND, used_by=admin_id, key=key)
        order = await self.delivery.fail_rest(await self.orders.find(order_id), failure=NOT_AWAITED)
        if has_codes(order) and order.status is not DigitalOrderStatus.REFUNDED:
            return await self._refund_rest(order)
        await self.sales.end(sale, GoodsRefunded(), signal=DELIVER)
        await acknowledge_failed(order_id, store=self.store, jobs=self.jobs)
        return DigitalOrderMoved(
            order_id=order_id,
            status=DigitalOrderStatus.REFUNDED,
            message="The credits are in the buyer's wallet.",
        )

    async def _refund_rest(self, order: DigitalOrderFacts) -> DigitalOrderMoved:
        """Have the codes that came stored, which charges for them and refunds the rest."""
        if all(item.status is not DigitalItemStatus.FAILED for item in order.items):
            raise OrderInvalidState
        await self.delivery.settle_order(order)
        await acknowledge_failed(order.order_id, store=self.store, jobs=self.jobs)
        return DigitalOrderMoved(
            order_id=order.order_id,
            status=(await self.orders.find(order.order_id)).status,
            message="The codes that came are delivered; the rest is refunded.",
        )


async def acknowledge_failed(order_id: uuid.UUID, *, store: FulfilmentJobStore, jobs: JobQueue) -> None:
    """Acknowledge the failed jobs of a refunded order: no admin has to look at them any more."""
    for job in await store.of_order(order_id):
        if job.has_failed:
            with suppress(JobInvalidState):
                await jobs.acknowledge(job.job_id)
