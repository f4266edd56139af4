"""The jobs of an order: one reserves its items at the supplier, one stores the codes that came (F2, F3)."""

import uuid
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
)
from orchestrator.features.digital_goods.adapters.interfaces import Supplier
from orchestrator.features.digital_goods.errors import StorageUnavailable, SupplierRefused, SupplierUnavailable
from orchestrator.features.digital_goods.metrics import CODES_STORED, STORED, UNAVAILABLE
from orchestrator.features.digital_goods.models import KIND, Fulfil
from orchestrator.features.digital_goods.service.delivery import DeliveryService, is_underway
from orchestrator.jobs.errors import JobPostponed, JobRefused, JobTakenOver
from orchestrator.jobs.policies import FIVE_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobContext

__all__ = ["POLICY", "FulfilmentJobHandler"]

# Twenty items, each with three calls of the supplier of at most eight seconds, fit into the timeout.
POLICY: Final = JobPolicy(
    KIND, max_attempts=6, retry_seconds=FIVE_RETRIES, timeout_seconds=600, concurrency=8, keeps_dead=True
)
SAGA_PAUSE_SECONDS: Final = 1.0
# Received codes need no decision of an admin: the worker stores them once storage and orders service respond again.
STORE_PAUSE_SECONDS: Final = 60.0

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
            await (self._reserve(work) if work.type == "reserve" else self._store(work, context))
        except Busy as error:
            raise JobPostponed(pause_seconds=SAGA_PAUSE_SECONDS) from error
        except JobTakenOver:
            raise
        except ServiceError as error:
            await self._handle(error, work, context)
            raise
        return {"order_id": str(work.order_id), "type": work.type}

    async def _handle(self, error: ServiceError, work: Fulfil, context: JobContext) -> None:
        """Refuse the job of an order that has ended. After the last attempt to reserve, make the order FAILED.

        A conflict in an order that goes on is a failure as any other: an admin has to see it.
        """
        if isinstance(error, Conflict | NotFound) and await self._has_ended(work.order_id):
            raise JobRefused(error.public_message, code=error.code) from error
        if not context.is_last_attempt:
            return
        if work.type == "reserve":
            await self.delivery.fail_order(work.order_id, error)
        elif isinstance(error, Unavailable):
            raise JobPostponed(pause_seconds=STORE_PAUSE_SECONDS) from error

    async def _has_ended(self, order_id: uuid.UUID) -> bool:
        try:
            return (await self.orders.find(order_id)).ended_at is not None
        except NotFound:
            return True

    async def _reserve(self, work: Fulfil) -> None:
        """Try every item, so that one that cannot be reserved keeps no other from its buyer."""
        order, problems = await self.orders.resume(work.order_id), []
        for item in order.items:
            try:
                await self._reserve_item(order, item)
            except ServiceError as error:
                problems.append(error)
        if problems:
            raise problems[0]
        await self.delivery.settle_order(await self.orders.find(work.order_id))

    async def _reserve_item(self, order: DigitalOrderFacts, item: DigitalItemFacts) -> None:
        if item.status is DigitalItemStatus.PENDING:
            try:
                made = await self.supplier.reserve(item.supplier_product_id, request_id=str(item.item_id))
            except SupplierRefused:
                await self.delivery.fail_item(order.order_id, item.item_id)
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
