"""Ends what is open at a cancelled event, a hundred of each kind at a time: transfers, sales, listings, orders.

Each thing ends by its own saga, so whoever is killed in between leaves nothing half done; what a refusal left open (a
ticket that was being listed just then, say) is tried again the next time. An order with a disputed ticket waits for the
admin who decides to whom its price is due.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.models import OpenWork
from orchestrator.clients.orders.listings import ListingFacts, ListingsClient
from orchestrator.clients.orders.orders import OrderFacts, OrdersClient
from orchestrator.clients.orders.transfers import TransferFacts, TransfersClient
from orchestrator.errors import EventCancelled
from orchestrator.features.marketplace.saga.resale import RESALE
from orchestrator.features.marketplace.saga.withdraw_listing import WITHDRAW_LISTING, WithdrawListing
from orchestrator.features.purchases.saga import PURCHASE
from orchestrator.features.refunds.saga import REFUND
from orchestrator.features.refunds.service import refund_of
from orchestrator.features.transfers.saga.transfer import TRANSFER
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.outcomes import attempts
from orchestrator.saga_engine.plan import SagaData

__all__ = ["EventCancellationProcessor"]

BATCH: Final = 100
AT_ONCE: Final = 8
OPEN_LISTING_STATUSES: Final = ("OPENING", "ACTIVE", "PENDING_TRANSFER", "WITHDRAWING")
REASON: Final = "the event was cancelled"
logger = get_logger(__name__)


class EventCancellationProcessor:
    """Runs sagas from within a saga.

    Args:
        engine: returns the engine, which is constructed after the plans.
    """

    def __init__(
        self,
        engine: Callable[[], SagaEngine],
        *,
        orders: OrdersClient,
        transfers: TransfersClient,
        listings: ListingsClient,
    ) -> None:
        self._get_engine = engine
        self._orders = orders
        self._transfers = transfers
        self._listings = listings
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def engine(self) -> SagaEngine:
        return self._get_engine()

    async def clear_some(self, *, event_id: uuid.UUID, cancellation_id: uuid.UUID) -> OpenWork:
        """End some of what is open at a cancelled event and return what is left. Doing it twice does no harm."""
        await self._end_transfers(event_id)
        await self._end_sales(event_id)
        await self._withdraw_listings(event_id, cancellation_id)
        await self._end_purchases(event_id)
        await self._refund_orders(event_id, cancellation_id)
        return await self.count(event_id)

    async def count(self, event_id: uuid.UUID) -> OpenWork:
        orders = await self._orders.counts(event_id)
        transfers = await self._transfers.counts(event_id)
        listings = await self._listings.counts(event_id)
        return OpenWork(
            confirmed_orders=orders["CONFIRMED"],
            pending_orders=orders["PENDING"],
            refunded_orders=orders["REFUNDED"],
            transfers=transfers["PENDING_OTP"],
            disputes=transfers["DISPUTED"] + transfers["REVERSING"],
            listings=sum(listings[status] for status in OPEN_LISTING_STATUSES),
        )

    async def _end_transfers(self, event_id: uuid.UUID) -> None:
        async def end(transfer: TransferFacts) -> None:
            await self.engine.end_waiting(transfer.transfer_id, EventCancelled(), kind=TRANSFER)

        found = await self._transfers.of_event(event_id, status="PENDING_OTP", limit=BATCH)
        await self._all(end(transfer) for transfer in found)

    async def _end_sales(self, event_id: uuid.UUID) -> None:
        async def end(listing: ListingFacts) -> None:
            if listing.sale_id is not None:
                await self.engine.end_waiting(listing.sale_id, EventCancelled(), kind=RESALE)

        found = await self._listings.of_event(event_id, status="PENDING_TRANSFER", limit=BATCH)
        await self._all(end(listing) for listing in found)

    async def _withdraw_listings(self, event_id: uuid.UUID, cancellation_id: uuid.UUID) -> None:
        async def withdraw(listing: ListingFacts) -> None:
            withdrawal = WithdrawListing(
                saga_id=uuid.uuid5(cancellation_id, f"listing {listing.listing_id}"),
                listing_id=listing.listing_id,
                seat_id=listing.seat_id,
                order_id=listing.order_id,
                seller_user_id=listing.seller_user_id,
            )
            await self._start_once(WITHDRAW_LISTING, withdrawal, requested_by=cancellation_id)

        found = await self._listings.of_event(event_id, status="ACTIVE", limit=BATCH)
        await self._all(withdraw(listing) for listing in found)

    async def _end_purchases(self, event_id: uuid.UUID) -> None:
        async def end(order: OrderFacts) -> None:
            await self.engine.end_waiting(order.order_id, EventCancelled(), kind=PURCHASE)

        found = await self._orders.of_event(event_id, status="PENDING", limit=BATCH)
        await self._all(end(order) for order in found)

    async def _refund_orders(self, event_id: uuid.UUID, cancellation_id: uuid.UUID) -> None:
        """Refund a hundred orders; those that are in hand already, stuck or disputed do not keep the others waiting."""

        async def refund(order: OrderFacts) -> None:
            purchase = await self.engine.find(order.order_id)
            if purchase is None:
                return
            calling_off = {"reason": REASON, "is_forced": True, "event_is_off": True}
            whole = refund_of(self.engine, purchase).model_copy(update=calling_off)
            if await self._start_once(REFUND, whole, requested_by=cancellation_id):
                started.append(order.order_id)

        started: list[uuid.UUID] = []
        disputed = await self._transfers.disputed_orders(event_id)
        offset = 0
        while not started:
            found = await self._orders.of_event(event_id, status="CONFIRMED", limit=BATCH, offset=offset)
            if not found:
                return
            await self._all(refund(order) for order in found if order.order_id not in disputed)
            offset += BATCH

    async def _start_once(self, kind: str, data: SagaData, *, requested_by: uuid.UUID) -> bool:
        """Start a saga, unless it was, and return whether it is ours; one that was refused is started anew."""
        tried = await attempts(self.engine, data.saga_id)
        if tried.done is not None:
            return False
        await self.engine.start(kind, data.model_copy(update={"saga_id": tried.next_id}), requested_by=requested_by)
        return True

    async def _all(self, deeds: Iterable[Awaitable[None]]) -> None:
        await asyncio.gather(*(self._one(deed) for deed in deeds))

    async def _one(self, deed: Awaitable[None]) -> None:
        async with self._slots:
            try:
                await deed
            except StillRunning:
                pass  # it goes on by itself
            except ServiceError as error:
                logger.warning("event_cancellation.left", code=error.code, **error.private)
