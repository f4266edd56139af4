"""What the supplier says of reservations, applied to orders: in any order, repeated, late, or not at all (F3)."""

import enum
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import Busy, Conflict, ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
)
from orchestrator.features.digital_goods.adapters.interfaces import (
    Reservation,
    ReservationStatus,
    Supplier,
    SupplierNotice,
)
from orchestrator.features.digital_goods.errors import (
    GoodsFailed,
    ReservationFailed,
    SupplierRefused,
    SupplierUnavailable,
)
from orchestrator.features.digital_goods.metrics import DELIVERED, DIGITAL_ITEMS, FAILED
from orchestrator.features.digital_goods.models import KIND, Fulfil
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.jobs.errors import JobInvalidState
from orchestrator.jobs.record import Failure
from orchestrator.jobs.service import JobQueue

__all__ = ["DeliveryOutcome", "DeliveryService", "has_codes", "is_underway"]

# Codes may still come, and be stored.
UNDERWAY: Final = frozenset({DigitalOrderStatus.PAID, DigitalOrderStatus.WAITING, DigitalOrderStatus.FAILED})
OPEN_ITEM: Final = frozenset({DigitalItemStatus.PENDING, DigitalItemStatus.RESERVED})
HAS_CODES: Final = frozenset({DigitalItemStatus.READY, DigitalItemStatus.DELIVERED})
NOT_DELIVERED: Final = "The supplier could not deliver it."

logger = get_logger(__name__)


class DeliveryOutcome(enum.StrEnum):
    APPLIED = "APPLIED"
    IGNORED = "IGNORED"  # the order has ended, or its codes are stored already
    UNMATCHED = "UNMATCHED"  # the reservation is unknown, or not stored yet


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryService:
    """Applies notices and the supplier's own record. Several processes may do so at once, for one order.

    Every write is one that the orders service does once. What follows from the last item is repeated by the next process
    that handles the order, so that one which crashes between the two leaves nothing undone.

    Args:
        unknown_after: a reservation that is older, and that the supplier does not know, has failed. A younger one may not
            have reached all of its servers.
    """

    orders: DigitalOrdersClient
    supplier: Supplier
    codes: OrderCodes
    sales: SaleService
    jobs: JobQueue
    unknown_after: timedelta

    async def apply(self, notice: SupplierNotice) -> DeliveryOutcome:
        """Apply what a webhook says.

        Raises:
            SupplierUnavailable: the notice is incomplete, and the supplier does not respond.
            Busy: the order cannot end yet.
            Unavailable: the orders service does not respond.
        """
        found = await self.orders.find_by_reservation(notice.reservation.reservation_id)
        if found is None:
            return DeliveryOutcome.UNMATCHED
        order, item = found
        if not is_underway(order):
            return DeliveryOutcome.IGNORED
        try:
            await self.settle_order(await self._apply(order, item, notice.reservation))
        except Busy:
            raise
        except Conflict as error:
            logger.info("notice.late", order_id=str(order.order_id), event_id=notice.event_id, code=error.code)
            return DeliveryOutcome.IGNORED
        return DeliveryOutcome.APPLIED

    async def ask(self, order: DigitalOrderFacts, item: DigitalItemFacts) -> DigitalOrderFacts:
        """Ask the supplier about a reserved item, apply its answer, and return the order after it.

        Raises:
            SupplierUnavailable, Unavailable.
            Conflict: ORDER_INVALID_STATE, the order has ended.
        """
        if item.reservation_id is None or item.status is not DigitalItemStatus.RESERVED:
            return order
        return await self._record(order, item, await self._find(item, item.reservation_id))

    async def ask_all(self, order: DigitalOrderFacts) -> tuple[DigitalOrderFacts, bool]:
        """Ask about every reserved item; return the order after that, and whether the supplier answered each time.

        Raises:
            Unavailable: the orders service does not respond.
            Conflict: ORDER_INVALID_STATE, the order has ended.
        """
        is_answered = True
        for item in order.items:
            try:
                order = await self.ask(order, item)
            except SupplierUnavailable as error:
                is_answered = False
                logger.warning("supplier.unavailable", order_id=str(order.order_id), **error.private)
        return order, is_answered

    async def settle_order(self, order: DigitalOrderFacts) -> None:
        """Once no item is open: have the codes stored, or end an order of which nothing comes. Repeating it changes nothing.

        A FAILED order whose items are all reserved, or decided, waits again for what may come.

        Raises:
            Busy: the order cannot end yet.
            Conflict: ORDER_INVALID_STATE, it has ended.
        """
        statuses = {item.status for item in order.items}
        if not is_underway(order) or DigitalItemStatus.PENDING in statuses:
            return
        if order.status is DigitalOrderStatus.FAILED and statuses != {DigitalItemStatus.FAILED}:
            await self.orders.resume(order.order_id)
        if statuses & OPEN_ITEM:
            return
        if statuses & HAS_CODES:
            await self._enqueue_store(order.order_id)
            return
        await self.orders.fail(order.order_id, code=GoodsFailed.code, message=GoodsFailed.public_message)
        await self.sales.refund_undelivered(order.order_id)

    async def settle_rest(self, order: DigitalOrderFacts) -> None:
        """Wait for no item any more: what came is delivered, the rest refunded. The supplier is asked for the last time.

        Raises:
            Busy, Conflict: as `settle_order`.
        """
        order, _ = await self.ask_all(order)
        await self.settle_order(await self.fail_rest(order, failure=NOT_DELIVERED))

    async def fail_order(self, order_id: uuid.UUID, error: ServiceError) -> None:
        """Make an order FAILED whose items could not be reserved, unless it has moved on meanwhile."""
        shown = error if isinstance(error, SupplierUnavailable) else ReservationFailed()
        try:
            await self.orders.fail(order_id, code=shown.code, message=shown.public_message)
        except Conflict as refusal:
            logger.warning("digital_order.not_failed", order_id=str(order_id), code=refusal.code)

    async def fail_rest(self, order: DigitalOrderFacts, *, failure: str) -> DigitalOrderFacts:
        """Make every open item FAILED, and return the order after that."""
        for item in order.items:
            if is_underway(order) and item.status in OPEN_ITEM:
                order = await self.fail_item(order.order_id, item.item_id, failure=failure)
        return order

    async def fail_item(
        self, order_id: uuid.UUID, item_id: uuid.UUID, *, failure: str = NOT_DELIVERED
    ) -> DigitalOrderFacts:
        DIGITAL_ITEMS.labels(FAILED).inc()
        return await self.orders.fail_item(order_id, item_id, failure=failure)

    async def _apply(self, order: DigitalOrderFacts, item: DigitalItemFacts, said: Reservation) -> DigitalOrderFacts:
        if item.status in HAS_CODES:  # they stay, whatever comes later
            return order
        is_complete = said.status is ReservationStatus.WAITING or said.codes
        if said.status is ReservationStatus.FAILED or not is_complete:
            # The supplier's record is the truth: a notice of failure may be older than the delivery.
            said = await self._find(item, said.reservation_id)
        return await self._record(order, item, said)

    async def _record(self, order: DigitalOrderFacts, item: DigitalItemFacts, record: Reservation) -> DigitalOrderFacts:
        if record.status is ReservationStatus.WAITING:
            return order
        if record.status is ReservationStatus.FAILED:
            return await self.fail_item(order.order_id, item.item_id)
        if not record.codes and record.status is ReservationStatus.READY:
            with suppress(SupplierRefused):  # it has failed meanwhile, which the next look shows
                record = await self.supplier.give(record.reservation_id)
        if not record.codes:  # they come with a notice, or when the supplier is asked again
            return order
        DIGITAL_ITEMS.labels(DELIVERED).inc()
        return await self.orders.add_codes(order.order_id, self.codes.seal(item.item_id, record.codes))

    async def _find(self, item: DigitalItemFacts, reservation_id: str) -> Reservation:
        """Return the supplier's record. An old reservation that it does not know has failed."""
        try:
            return await self.supplier.find(reservation_id)
        except SupplierRefused:
            logger.warning("supplier.no_such_reservation", reservation_id=reservation_id)
            if item.reserved_at is None or datetime.now(UTC) - item.reserved_at < self.unknown_after:
                raise SupplierUnavailable(reason="it does not know the reservation yet") from None
            return Reservation(reservation_id=reservation_id, status=ReservationStatus.FAILED)

    async def _enqueue_store(self, order_id: uuid.UUID) -> None:
        """Enqueue the job that stores the codes, once, in the lane of its order. One that came too early is queued again."""
        job = await self.jobs.enqueue(
            KIND,
            Fulfil(order_id=order_id, type="store"),
            idempotency_key=f"store {order_id}",
            job_id=uuid.uuid5(order_id, "store"),
            lane=f"{order_id}",
        )
        if job.failure is Failure.REFUSED:
            with suppress(JobInvalidState):  # another process has queued it
                await self.jobs.retry(job.job_id)


def has_codes(order: DigitalOrderFacts) -> bool:
    """Return whether an item's codes are here, or were delivered."""
    return any(item.status in HAS_CODES for item in order.items)


def is_underway(order: DigitalOrderFacts) -> bool:
    return order.status in UNDERWAY
