"""Ends what is open at a cancelled event, at most a hundred of each kind at a time: transfers, sales, listings, orders.

Each of them ends by its own saga, so a killed process leaves nothing half done. What a refusal left open, such as a
ticket that was being listed at that moment, is tried again with the next batch. A disputed ticket waits until an admin
decides who gets its refund; the other tickets of its order do not.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients import Clients
from orchestrator.clients.models import OpenWork
from orchestrator.clients.orders.listings import ListingFacts
from orchestrator.clients.orders.orders import RefundableSeats
from orchestrator.errors import EventCancelled
from orchestrator.features.marketplace.saga.resale import RESALE
from orchestrator.features.marketplace.saga.withdraw_listing import WITHDRAW_LISTING, WithdrawListing
from orchestrator.features.purchases.saga import PURCHASE
from orchestrator.features.refunds.saga import REFUND_SEATS, Refund
from orchestrator.features.refunds.service import refund_of
from orchestrator.features.transfers.saga.transfer import TRANSFER
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import start_unless_accepted
from orchestrator.saga_engine.record import SagaRecord

__all__ = ["EventCancellationProcessor"]

BATCH: Final = 100
AT_ONCE: Final = 8
OPEN_LISTING_STATUSES: Final = ("OPENING", "ACTIVE", "PENDING_TRANSFER", "WITHDRAWING")
REASON: Final = "the event was cancelled"
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EventCancellationProcessor:
    """Starts and ends sagas from within a saga.

    Args:
        get_engine: returns the engine, which is constructed after the plans.
    """

    get_engine: Callable[[], SagaEngine]
    clients: Clients
    _slots: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def process_batch(self, *, event_id: uuid.UUID, cancellation_id: uuid.UUID) -> OpenWork:
        """End some of what is open at a cancelled event and return what is left. It is safe to repeat."""
        transfers = await self.clients.transfers.of_event(event_id, status="PENDING_OTP", limit=BATCH)
        await self._run_all(self._end(transfer.transfer_id, TRANSFER) for transfer in transfers)
        sales = await self.clients.listings.of_event(event_id, status="PENDING_TRANSFER", limit=BATCH)
        await self._run_all(self._end(sale.sale_id, RESALE) for sale in sales if sale.sale_id is not None)
        listings = await self.clients.listings.of_event(event_id, status="ACTIVE", limit=BATCH)
        await self._run_all(self._withdraw(listing, cancellation_id) for listing in listings)
        purchases = await self.clients.orders.of_event(event_id, status="PENDING", limit=BATCH)
        await self._run_all(self._end(order.order_id, PURCHASE) for order in purchases)
        await self._refund_orders(event_id, cancellation_id)
        return await self.count(event_id)

    async def count(self, event_id: uuid.UUID) -> OpenWork:
        """Return how much is open at an event."""
        orders = await self.clients.orders.counts(event_id)
        transfers = await self.clients.transfers.counts(event_id)
        listings = await self.clients.listings.counts(event_id)
        return OpenWork(
            confirmed_orders=orders["CONFIRMED"],
            pending_orders=orders["PENDING"],
            refunded_orders=orders["REFUNDED"],
            transfers=transfers["PENDING_OTP"],
            disputes=transfers["DISPUTED"] + transfers["REVERSING"],
            listings=sum(listings[status] for status in OPEN_LISTING_STATUSES),
        )

    async def _end(self, saga_id: uuid.UUID, kind: str) -> None:
        await self.get_engine().end_waiting(saga_id, EventCancelled(), kind=kind)

    async def _withdraw(self, listing: ListingFacts, cancellation_id: uuid.UUID) -> None:
        withdrawal = WithdrawListing.of(listing, saga_id=uuid.uuid5(cancellation_id, f"listing {listing.listing_id}"))
        await start_unless_accepted(self.get_engine(), WITHDRAW_LISTING, withdrawal, requested_by=cancellation_id)

    async def _refund_orders(self, event_id: uuid.UUID, cancellation_id: uuid.UUID) -> None:
        """Refund tickets of up to a hundred orders; orders whose refund does not begin do not block the others."""

        async def refund(order: RefundableSeats) -> None:
            purchase = await self.get_engine().log.find(order.order_id)
            if purchase is None:
                return
            wanted = self._refund_of(purchase, order)
            if await start_unless_accepted(self.get_engine(), REFUND_SEATS, wanted, requested_by=cancellation_id):
                started.append(order.order_id)

        started: list[uuid.UUID] = []
        offset = 0
        while not started:
            orders = await self.clients.orders.refundable_orders(event_id, limit=BATCH, offset=offset)
            if not orders:
                return
            await self._run_all(refund(order) for order in orders)
            offset += BATCH

    def _refund_of(self, purchase: SagaRecord, order: RefundableSeats) -> Refund:
        """Return the refund of the tickets that can be refunded now. The same tickets are refunded under the same id."""
        saga_id = uuid.uuid5(order.order_id, " ".join((REFUND_SEATS, *map(str, order.seat_ids))))
        refund = refund_of(self.get_engine(), purchase, saga_id=saga_id, reason=REASON, is_forced=True)
        return refund.model_copy(update={"seat_ids": order.seat_ids, "event_is_cancelled": True})

    async def _run_all(self, actions: Iterable[Awaitable[None]]) -> None:
        await asyncio.gather(*(self._run(action) for action in actions))

    async def _run(self, action: Awaitable[None]) -> None:
        async with self._slots:
            try:
                await action
            except StillRunning:
                pass  # it goes on in the background
            except ServiceError as error:
                logger.warning("event_cancellation.refused", code=error.code, **error.private)
