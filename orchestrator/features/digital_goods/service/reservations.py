"""Reservations with what the supplier says of them at this moment, for admins (F6)."""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from common.http.envelope import Page
from common.pages import Total
from orchestrator.clients.orders.digital_orders import DigitalOrdersClient, ReservationFacts
from orchestrator.features.digital_goods.adapters.interfaces import Supplier
from orchestrator.features.digital_goods.errors import SupplierRefused, SupplierUnavailable
from orchestrator.features.digital_goods.schemas.reservations import LiveStatus, ReservationView

__all__ = ["ReservationService"]

CALLS_AT_ONCE: Final = 10
# A page is shown without what the supplier has not answered by then.
STATUS_TIMEOUT_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationService:
    orders: DigitalOrdersClient
    supplier: Supplier

    async def page(self, page: Page, *, order_id: uuid.UUID | None = None) -> tuple[list[ReservationView], Total]:
        """Return a page of reservations, of one order or of all, newest first, and the total."""
        found, count = await self.orders.reservations(order_id=order_id, limit=page.per_page, offset=page.offset)
        statuses = await self._statuses(found)
        views = [
            ReservationView(**row.model_dump(), status=statuses.get(row.reservation_id, "unknown")) for row in found
        ]
        return views, Total.of_bounded(count)

    async def _statuses(self, found: list[ReservationFacts]) -> dict[str, LiveStatus]:
        """Ask about all of them in parallel, and return what has been answered in time."""
        statuses: dict[str, LiveStatus] = {}
        slots = asyncio.Semaphore(CALLS_AT_ONCE)

        async def ask(reservation_id: str) -> None:
            async with slots:
                with suppress(SupplierUnavailable, SupplierRefused):
                    statuses[reservation_id] = (await self.supplier.find(reservation_id)).status.value

        with suppress(TimeoutError):
            async with asyncio.timeout(STATUS_TIMEOUT_SECONDS), asyncio.TaskGroup() as asking:
                for row in found:
                    asking.create_task(ask(row.reservation_id))
        return statuses
