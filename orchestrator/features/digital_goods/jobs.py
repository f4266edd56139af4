"""The jobs of an order: one reserves its items at the supplier, one stores the codes that came (F2, F3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.errors import Busy, Conflict, NotFound, ServiceError, Unavailable
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
)
from orchestrator.features.digital_goods.adapters.interfaces import Supplier
from orchestrator.features.digital_goods.errors import StorageUnavailable, SupplierRefused, SupplierUnavailable
from orchestrator.features.digital_goods.metrics import CODES_STORED, DIGITAL_ITEMS, FAILED, STORED, UNAVAILABLE
from orchestrator.features.digital_goods.models import KIND, Fulfil
from orchestrator.features.digital_goods.service.delivery import NOT_DELIVERED, DeliveryService, is_underway
from orchestrator.jobs.errors import JobPostponed, JobRefused, JobTakenOver
from orchestrator.jobs.policies import FIVE_RETRIES, JobPolicy
from orchestrator.jobs.record import Failure, JobStatus
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

__all__ = ["POLICY", "DeadReservationTask", "FulfilmentJobHandler"]

# Twenty items, each with three calls of the supplier of at most eight seconds, fit into the timeout.
POLICY: Final = JobPolicy(
    KIND, max_attempts=6, retry_seconds=FIVE_RETRIES, timeout_seconds=600, concurrency=8, keeps_dead=True
)
SAGA_PAUSE_SECONDS: Final = 1.0
BATCH: Final = 100

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FulfilmentJobHandler:
    delivery: DeliveryService
    supplier: Supplier
    orders: DigitalOrdersClient

    async def run(self, work: Fulfil, context: JobContext) -> Mapping[str, Any]:
        """Do the work of an order.

        Raises:
            JobPostponed: the order's saga is in a step.
            JobRefused: the order has ended.
            ServiceError: another attempt may succeed. After the last one of `reserve`, the order has FAILED.
        """
        try:
            await (self._reserve(work, context) if work.type == "reserve" else self._store(work, context))
        except Busy as error:
            raise JobPostponed(pause_seconds=SAGA_PAUSE_SECONDS) from error
        except JobTakenOver:
            raise
        except (Conflict, NotFound) as error:
            raise JobRefused(error.public_message, code=error.code) from error
        return {"order_id": str(work.order_id), "type": work.type}

    async def _reserve(self, work: Fulfil, context: JobContext) -> None:
        try:
            order = await self.orders.resume(work.order_id)
            for item in order.items:
                await self._reserve_item(order, item)
        except Unavailable as error:
            if context.is_last_attempt:
                await fail_order(self.orders, work, error)
            raise
        await self.delivery.go_on(await self.orders.find(work.order_id))

    async def _reserve_item(self, order: DigitalOrderFacts, item: DigitalItemFacts) -> None:
        if item.status is DigitalItemStatus.PENDING:
            try:
                made = await self.supplier.reserve(item.supplier_product_id, request_id=str(item.item_id))
            except SupplierRefused:
                await self.orders.fail_item(order.order_id, item.item_id, failure=NOT_DELIVERED)
                DIGITAL_ITEMS.labels(FAILED).inc()
                return
            await self.orders.note_reservation(order.order_id, item.item_id, reservation_id=made.reservation_id)
            reserved = {"status": DigitalItemStatus.RESERVED, "reservation_id": made.reservation_id}
            item = item.model_copy(update=reserved)
        try:
            # A notice may have come before the reservation was stored, when nothing matched it.
            await self.delivery.ask(order, item)
        except SupplierUnavailable as error:  # a later notice, or the poller, makes up for it
            logger.warning("supplier.unavailable", order_id=str(order.order_id), **error.private)

    async def _store(self, work: Fulfil, context: JobContext) -> None:
        order = await self.orders.find(work.order_id)
        if is_underway(order):
            await context.report({"step": "storing"})  # an attempt that was taken over writes no object
            try:
                await self.delivery.codes.store(order)
            except StorageUnavailable:
                CODES_STORED.labels(UNAVAILABLE).inc()
                raise
            CODES_STORED.labels(STORED).inc()
        await self.delivery.sales.deliver(work.order_id)


@dataclass(frozen=True, slots=True)
class DeadReservationTask:
    """Makes orders FAILED whose reserve job is dead, and whose last worker did not live to say so."""

    orders: DigitalOrdersClient
    jobs: JobQueue

    async def fail_all(self) -> None:
        dead, _ = await self.jobs.page(kind=KIND, status=JobStatus.FAILED, failure=Failure.DEAD, limit=BATCH)
        for work in (Fulfil.model_validate(job.payload) for job in dead):
            if work.type == "reserve" and (await self.orders.find(work.order_id)).status is DigitalOrderStatus.PAID:
                await fail_order(self.orders, work, SupplierUnavailable())


async def fail_order(orders: DigitalOrdersClient, work: Fulfil, error: ServiceError) -> None:
    """Make an order FAILED whose items could not be reserved, unless it has moved on meanwhile."""
    try:
        await orders.fail(work.order_id, code=error.code, message=error.public_message)
    except Conflict as refusal:
        logger.warning("digital_order.not_failed", order_id=str(work.order_id), code=refusal.code)
