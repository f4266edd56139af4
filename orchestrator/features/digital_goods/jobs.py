"""The jobs of an order: one reserves its items at the supplier, one stores the codes that came (F2, F3)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.service.delivery import NOT_DELIVERED, DeliveryService, is_underway
from orchestrator.jobs.errors import JobPostponed, JobRefused, JobTakenOver
from orchestrator.jobs.policies import FIVE_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobContext

__all__ = ["POLICY", "DeadReservationTask", "FulfilmentJobHandler"]

# Twenty items, each with three calls of the supplier of at most eight seconds, fit into the timeout.
POLICY: Final = JobPolicy(
    KIND, max_attempts=6, retry_seconds=FIVE_RETRIES, timeout_seconds=600, concurrency=8, keeps_dead=True
)
SAGA_PAUSE_SECONDS: Final = 1.0
# Codes that are here need nobody's decision: they are stored once storage and orders service respond again.
STORE_PAUSE_SECONDS: Final = 60.0
# An order becomes PAID shortly before its job is queued.
QUEUEING: Final = timedelta(minutes=1)
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
            JobPostponed: the order's saga is in a step, or the codes cannot be stored yet.
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
                await fail_order(self.orders, work.order_id, error)
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
            await self._note(order, item, made.reservation_id)
            reserved = {"status": DigitalItemStatus.RESERVED, "reservation_id": made.reservation_id}
            item = item.model_copy(update=reserved)
        try:
            # A notice may have come before the reservation was stored, when nothing matched it.
            await self.delivery.ask(order, item)
        except SupplierUnavailable as error:  # a later notice, or the poller, makes up for it
            logger.warning("supplier.unavailable", order_id=str(order.order_id), **error.private)

    async def _note(self, order: DigitalOrderFacts, item: DigitalItemFacts, reservation_id: str) -> None:
        try:
            await self.orders.note_reservation(order.order_id, item.item_id, reservation_id=reservation_id)
        except Conflict:
            if is_underway(await self.orders.find(order.order_id)):
                raise SupplierUnavailable(reason="the reservation belongs to another item") from None
            raise

    async def _store(self, work: Fulfil, context: JobContext) -> None:
        try:
            await self._store_codes(work, context)
        except Unavailable as error:
            if context.is_last_attempt:
                raise JobPostponed(pause_seconds=STORE_PAUSE_SECONDS) from error
            raise

    async def _store_codes(self, work: Fulfil, context: JobContext) -> None:
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
    """Makes PAID orders FAILED whose reserve job has ended without success, and whose last worker did not live to say so."""

    orders: DigitalOrdersClient
    store: FulfilmentJobStore
    grace: timedelta = QUEUEING

    async def fail_all(self) -> None:
        before, after = datetime.now(UTC) - self.grace, None
        while batch := await self.orders.stalled(DigitalOrderStatus.PAID, before=before, after=after, limit=BATCH):
            for order in batch:
                await self._fail(order.order_id)
            after = batch[-1].order_id

    async def _fail(self, order_id: uuid.UUID) -> None:
        jobs = await self.store.of_order(order_id)
        if jobs and not any(job.is_active for job in jobs):
            await fail_order(self.orders, order_id, SupplierUnavailable())


async def fail_order(orders: DigitalOrdersClient, order_id: uuid.UUID, error: ServiceError) -> None:
    """Make an order FAILED whose items could not be reserved, unless it has moved on meanwhile."""
    try:
        await orders.fail(order_id, code=error.code, message=error.public_message)
    except Conflict as refusal:
        logger.warning("digital_order.not_failed", order_id=str(order_id), code=refusal.code)
