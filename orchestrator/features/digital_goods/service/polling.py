"""Asks the supplier about orders of which it has said nothing, because a webhook may be lost (F3)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrdersClient
from orchestrator.features.digital_goods.metrics import DIGITAL_ORDERS_SILENT
from orchestrator.features.digital_goods.service.delivery import DeliveryService

__all__ = ["SilentOrderTask"]

# As many are asked about at once.
BATCH: Final = 8

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentOrderTask:
    """Asks about orders that have been silent for `longer_than`. Several workers may run it at once."""

    orders: DigitalOrdersClient
    delivery: DeliveryService
    longer_than: timedelta

    async def ask_all(self) -> None:
        """Ask batch by batch; an order about which that fails is asked about in the next run."""
        silent = 0
        async for batch in self._batches():
            silent += len(batch)
            await asyncio.gather(*(self._ask(order) for order in batch))
        DIGITAL_ORDERS_SILENT.set(silent)

    async def _batches(self) -> AsyncIterator[list[DigitalOrderFacts]]:
        before = datetime.now(UTC) - self.longer_than
        after: uuid.UUID | None = None
        while batch := await self.orders.silent(before=before, after=after, limit=BATCH):
            yield batch
            after = batch[-1].order_id

    async def _ask(self, order: DigitalOrderFacts) -> None:
        try:
            for item in order.items:
                order = await self.delivery.ask(order, item)
            await self.delivery.go_on(order)
        except ServiceError as error:
            logger.warning("silent_order.not_settled", order_id=str(order.order_id), code=error.code, **error.private)
