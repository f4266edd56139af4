"""The end of listings whose event has begun: nobody can buy them any more, and their tickets are valid again (T10)."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients import Clients
from orchestrator.clients.orders.listings import ListingFacts
from orchestrator.features.marketplace.saga.withdraw_listing import WITHDRAW_LISTING, WithdrawListing
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import start_unless_accepted

__all__ = ["ListingExpiry"]

EVENTS: Final = 100  # as many as the events service looks up at once
BATCH: Final = 100
AT_ONCE: Final = 8
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ListingExpiry:
    """Withdraws listings by the saga that their sellers use. Several workers may run it at once."""

    engine: SagaEngine
    clients: Clients
    _slots: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def withdraw_expired(self) -> None:
        """Withdraw the ACTIVE listings of events that have begun.

        A sale in progress ends by its own rule. If it fails, the listing is ACTIVE again, and withdrawn by the next run.
        """
        after: uuid.UUID | None = None
        while event_ids := await self.clients.listings.events_on_market(after=after, limit=EVENTS):
            events = await self.clients.events.facts_of(event_ids)
            for event_id in event_ids:
                if event_id in events and events[event_id].has_begun:
                    await self._withdraw_all(event_id)
            after = event_ids[-1]

    async def _withdraw_all(self, event_id: uuid.UUID) -> None:
        """Withdraw an event's listings batch by batch, until the oldest stays: the next run tries that again."""
        oldest_id: uuid.UUID | None = None
        while True:
            listings = await self.clients.listings.of_event(event_id, status="ACTIVE", limit=BATCH)
            if not listings or listings[0].listing_id == oldest_id:
                return
            oldest_id = listings[0].listing_id
            await asyncio.gather(*(self._withdraw(listing) for listing in listings))

    async def _withdraw(self, listing: ListingFacts) -> None:
        withdrawal = WithdrawListing.of(listing, saga_id=uuid.uuid5(listing.listing_id, "expiry"))
        async with self._slots:
            try:
                await start_unless_accepted(self.engine, WITHDRAW_LISTING, withdrawal, requested_by=listing.event_id)
            except StillRunning:
                pass  # it goes on in the background
            except ServiceError as error:
                logger.warning("listing_expiry.refused", listing_id=str(listing.listing_id), code=error.code)
