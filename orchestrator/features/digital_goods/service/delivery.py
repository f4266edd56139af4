"""What the supplier says of reservations, applied to orders: in any order, repeated, late, or not at all (F3)."""

import enum
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from common.errors import Busy, Conflict
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
from orchestrator.features.digital_goods.errors import GoodsFailed, SupplierRefused
from orchestrator.features.digital_goods.metrics import DELIVERED, DIGITAL_ITEMS, FAILED
from orchestrator.features.digital_goods.models import KIND, Fulfil
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.jobs.service import JobQueue

__all__ = ["NOT_DELIVERED", "DeliveryOutcome", "DeliveryService", "is_underway"]

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

    Every write is one that the orders service does once. What follows from the last item is repeated by whoever looks at
    the order next, so that a process which dies between the two leaves nothing undone.
    """

    orders: DigitalOrdersClient
    supplier: Supplier
    codes: OrderCodes
    sales: SaleService
    jobs: JobQueue

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
            await self.go_on(await self._apply(order, item, notice.reservation))
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
        return await self._settle(order, item, await self._find(item.reservation_id))

    async def go_on(self, order: DigitalOrderFacts) -> None:
        """Once no item is open: have the codes stored, or end an order of which nothing comes. Repeating it changes nothing.

        Raises:
            Busy: the order cannot end yet.
            Conflict: ORDER_INVALID_STATE, it has ended.
        """
        if not is_underway(order) or any(item.status in OPEN_ITEM for item in order.items):
            return
        if any(item.status in HAS_CODES for item in order.items):
            await self._enqueue_store(order.order_id)
            return
        await self.orders.fail(order.order_id, code=GoodsFailed.code, message=GoodsFailed.public_message)
        await self.sales.refund_undelivered(order.order_id)

    async def _apply(self, order: DigitalOrderFacts, item: DigitalItemFacts, said: Reservation) -> DigitalOrderFacts:
        if item.status in HAS_CODES:  # they stay, whatever comes later
            return order
        if said.status is not ReservationStatus.WAITING and not said.codes:
            # The supplier's record is the truth: a notice of failure may be older than the delivery.
            said = await self._find(said.reservation_id)
        return await self._settle(order, item, said)

    async def _settle(self, order: DigitalOrderFacts, item: DigitalItemFacts, record: Reservation) -> DigitalOrderFacts:
        if record.status is ReservationStatus.WAITING:
            return order
        if record.status is ReservationStatus.FAILED:
            DIGITAL_ITEMS.labels(FAILED).inc()
            return await self.orders.fail_item(order.order_id, item.item_id, failure=NOT_DELIVERED)
        if not record.codes and record.status is ReservationStatus.READY:
            with suppress(SupplierRefused):  # it has failed meanwhile, which the next look shows
                record = await self.supplier.give(record.reservation_id)
        if not record.codes:  # they come with a notice, or when the supplier is asked again
            return order
        DIGITAL_ITEMS.labels(DELIVERED).inc()
        return await self.orders.add_codes(order.order_id, self.codes.seal(item.item_id, record.codes))

    async def _find(self, reservation_id: str) -> Reservation:
        """Return the supplier's record. A reservation that it does not know has failed."""
        try:
            return await self.supplier.find(reservation_id)
        except SupplierRefused:
            logger.warning("supplier.no_such_reservation", reservation_id=reservation_id)
            return Reservation(reservation_id=reservation_id, status=ReservationStatus.FAILED)

    async def _enqueue_store(self, order_id: uuid.UUID) -> None:
        """Enqueue the job that stores the codes, once, in the lane of its order."""
        await self.jobs.enqueue(
            KIND,
            Fulfil(order_id=order_id, type="store"),
            idempotency_key=f"store {order_id}",
            job_id=uuid.uuid5(order_id, "store"),
            lane=f"{order_id}",
        )


def is_underway(order: DigitalOrderFacts) -> bool:
    return order.status in UNDERWAY
