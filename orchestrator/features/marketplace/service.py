"""The marketplace: tickets sold again between fans, never above the event's cap (T10)."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from common.auth.principal import Principal
from common.db.idempotency import fingerprint_of
from common.errors import Busy
from common.money import CENT
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.seats import InventoryClient, OwnedSeat
from orchestrator.clients.models import CodeContext
from orchestrator.clients.orders.listings import ListingFacts, ListingsClient
from orchestrator.clients.orders.transfers import TransfersClient
from orchestrator.clients.users.otp import OtpClient
from orchestrator.errors import (
    ListingInvalidState,
    NotSeatOwner,
    NotYours,
    PriceAboveCap,
    SaleDeclined,
    SaleExpired,
    SelfTransfer,
    TicketNotUsable,
)
from orchestrator.features.marketplace.saga.list_for_resale import LIST_FOR_RESALE, ListForResale
from orchestrator.features.marketplace.saga.resale import APPROVE, OPENING, RESALE, Resale
from orchestrator.features.marketplace.saga.withdraw_listing import WITHDRAW_LISTING, WithdrawListing
from orchestrator.features.marketplace.schemas import (
    ListingActive,
    ListingCancelled,
    ListRequest,
    SaleCompleted,
    SalePending,
)
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.outcomes import earlier, failure_of, opened, refuse_again, saga_id_of, succeeded
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["MarketplaceService"]


class MarketplaceService:
    """Args: `approval_ttl_seconds`: how long a seller has to approve a sale (T10: 24 hours)."""

    def __init__(
        self,
        engine: SagaEngine,
        *,
        listings: ListingsClient,
        transfers: TransfersClient,
        inventory: InventoryClient,
        events: EventsClient,
        otp: OtpClient,
        approval_ttl_seconds: float,
    ) -> None:
        self._engine = engine
        self._listings = listings
        self._transfers = transfers
        self._inventory = inventory
        self._events = events
        self._otp = otp
        self._approval_ttl = timedelta(seconds=approval_ttl_seconds)

    async def list_ticket(self, request: ListRequest, *, caller_id: uuid.UUID, key: str | None) -> ListingActive:
        """Put one's own ticket on sale.

        Raises:
            InvalidRequest: PRICE_ABOVE_CAP, with the highest price in `details`.
            Forbidden: NOT_SEAT_OWNER.
            NotFound: SEAT_NOT_FOUND.
            Conflict: LISTING_INVALID_STATE, TRANSFER_IN_PROGRESS, ORDER_INVALID_STATE.
            Gone: EVENT_ENDED.
            StillRunning: it takes longer than the request may.
        """
        fingerprint = fingerprint_of(request.model_dump(mode="json"))
        listing_id, saga = await earlier(
            self._engine, saga_id_of("list", user_id=caller_id, key=key), key=key, fingerprint=fingerprint
        )
        if saga is not None:
            return _active(succeeded(saga))
        seat = await self._sellable(request.seat_id, owner_id=caller_id)
        await self._check_price(seat, request.asking_price)
        listing = ListForResale(
            saga_id=listing_id,
            ticket=seat.ticket,
            seller_user_id=caller_id,
            asking_price=request.asking_price,
        )
        saga = await self._engine.start(LIST_FOR_RESALE, listing, requested_by=caller_id, fingerprint=fingerprint)
        return _active(succeeded(saga))

    async def cancel(self, listing_id: uuid.UUID, *, caller: Principal) -> ListingCancelled:
        """Take one's ticket off the market; a buyer who waits for approval is declined and gets the credits back.

        An admin may do so with anybody's: before a transfer is reversed or an order refunded, when its owner will not.

        Raises:
            NotFound: LISTING_NOT_FOUND.
            Forbidden: somebody else's listing.
            Conflict: LISTING_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it takes longer than the request may.
        """
        listing = await self._listings.find(listing_id)
        if not caller.may_act_for(listing.seller_user_id):
            raise NotYours
        if listing.status == "CANCELLED":
            return ListingCancelled(listing_id=listing_id)
        if listing.status == "WITHDRAWING":
            raise Busy(retry_after_seconds=1)
        if listing.status == "PENDING_TRANSFER" and listing.sale_id is not None:
            await self._decline(listing.sale_id)
        withdrawal = WithdrawListing(
            saga_id=uuid.uuid4(),
            listing_id=listing_id,
            seat_id=listing.seat_id,
            order_id=listing.order_id,
            seller_user_id=listing.seller_user_id,
        )
        succeeded(await self._engine.start(WITHDRAW_LISTING, withdrawal, requested_by=caller.user_id))
        return ListingCancelled(listing_id=listing_id)

    async def buy(self, listing_id: uuid.UUID, *, caller_id: uuid.UUID, key: str | None, address: str) -> SalePending:
        """Set the price aside and ask the seller to approve.

        Raises:
            InvalidRequest: SELF_TRANSFER, it is one's own.
            NotFound: LISTING_NOT_FOUND.
            PaymentRequired: INSUFFICIENT_CREDITS.
            Conflict: LISTING_INVALID_STATE, somebody else was first.
            Gone: EVENT_ENDED.
            StillRunning: it takes longer than the request may.
        """
        fingerprint = fingerprint_of({"listing_id": listing_id})
        sale_id, saga = await earlier(
            self._engine, saga_id_of("buy", user_id=caller_id, key=key), key=key, fingerprint=fingerprint
        )
        if saga is not None:
            return _pending(saga)
        listing = await self._listings.find(listing_id)
        if listing.seller_user_id == caller_id:
            raise SelfTransfer
        if listing.status != "ACTIVE":
            raise ListingInvalidState(details={"status": listing.status})
        event = await self._events.upcoming(listing.event_id)
        resale = Resale(
            saga_id=sale_id,
            listing_id=listing_id,
            seat_id=listing.seat_id,
            order_id=listing.order_id,
            event_id=listing.event_id,
            seller_user_id=listing.seller_user_id,
            buyer_user_id=caller_id,
            price=listing.asking_price,
            expires_at=min(datetime.now(UTC) + self._approval_ttl, event.event_date),
            address=address,
        )
        saga = await self._engine.start(RESALE, resale, requested_by=caller_id, fingerprint=fingerprint)
        return _pending(saga)

    async def approve(
        self, listing_id: uuid.UUID, otp_code: str, *, caller_id: uuid.UUID, key: str | None
    ) -> SaleCompleted:
        """Take the seller's code; ticket and credits change hands.

        Raises:
            NotFound: LISTING_NOT_FOUND.
            Forbidden: somebody else's listing.
            Unauthenticated: OTP_INVALID.
            TooManyRequests: OTP_MAX_RETRIES: another code has to be asked for.
            Gone: OTP_EXPIRED; OFFER_EXPIRED, the sale was not approved in time.
            Conflict: LISTING_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it takes longer than the request may.
        """
        listing = await self._own(listing_id, caller_id)
        if listing.status == "COMPLETED" and listing.buyer_user_id is not None:
            return _completed(listing, listing.buyer_user_id)
        if listing.status != "PENDING_TRANSFER" or listing.sale_id is None or listing.buyer_user_id is None:
            raise ListingInvalidState(details={"status": listing.status})
        await self._otp.verify(
            user_id=caller_id, context=CodeContext.RESALE, reference=listing.sale_id, otp_code=otp_code
        )
        await self._events.upcoming(listing.event_id)
        if await self._transfers.is_disputed(seat_id=listing.seat_id, order_id=listing.order_id):
            raise ListingInvalidState("A transfer of the ticket is disputed.")
        saga = await self._engine.signal(
            listing.sale_id, APPROVE, kind=RESALE, signalled_by=caller_id, key=key, by_starter_only=False
        )
        if saga is None:
            await refuse_again(self._engine, listing.sale_id, APPROVE, signalled_by=caller_id, key=key)
            saga = await self._overtaken(listing.sale_id)
        if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
            failure = failure_of(saga, expired=SaleExpired)
            raise ListingInvalidState if failure.code == SaleDeclined.code else failure
        succeeded(saga)
        return _completed(listing, listing.buyer_user_id)

    async def _own(self, listing_id: uuid.UUID, caller_id: uuid.UUID) -> ListingFacts:
        listing = await self._listings.find(listing_id)
        if listing.seller_user_id != caller_id:
            raise NotYours
        return listing

    async def _sellable(self, seat_id: uuid.UUID, *, owner_id: uuid.UUID) -> OwnedSeat:
        seat = await self._inventory.seat(seat_id)
        if seat.owner_user_id != owner_id:
            raise NotSeatOwner
        if seat.status == "LISTED":
            raise ListingInvalidState("The ticket is on sale already.")
        if seat.status != "SOLD":
            raise TicketNotUsable
        return seat

    async def _check_price(self, seat: OwnedSeat, asking_price: Decimal) -> None:
        event = await self._events.upcoming(seat.event_id)
        highest = (seat.seat.price * event.resale_cap_percent / 100).quantize(CENT, rounding=ROUND_DOWN)
        if asking_price > highest:
            raise PriceAboveCap(details={"highest_price": f"{highest:.2f}"})

    async def _decline(self, sale_id: uuid.UUID) -> None:
        saga = await self._engine.end_waiting(sale_id, SaleDeclined(), kind=RESALE)
        if saga is None:
            saga = await self._overtaken(sale_id)
        if saga.state is SagaState.COMPLETED:
            raise ListingInvalidState(details={"status": "COMPLETED"})
        if saga.state is not SagaState.UNWOUND:
            raise Busy(retry_after_seconds=1)

    async def _overtaken(self, sale_id: uuid.UUID) -> SagaRecord:
        """Return the sale that did not wait for us any more."""
        saga = await self._engine.find(sale_id)
        if saga is None:
            raise ListingInvalidState
        if saga.state in {SagaState.RUNNING, SagaState.WAITING}:
            raise Busy(retry_after_seconds=1)
        return saga


def _active(saga: SagaRecord) -> ListingActive:
    listing = saga.data
    if not isinstance(listing, ListForResale):
        raise ListingInvalidState
    return ListingActive(
        listing_id=listing.listing_id, seat_id=listing.ticket.seat_id, asking_price=listing.asking_price
    )


def _pending(saga: SagaRecord) -> SalePending:
    resale = opened(saga, opening=OPENING).data
    if not isinstance(resale, Resale):
        raise ListingInvalidState
    return SalePending(
        listing_id=resale.listing_id,
        sale_id=resale.sale_id,
        credits_held=resale.price,
        expires_at=resale.expires_at,
    )


def _completed(listing: ListingFacts, buyer_user_id: uuid.UUID) -> SaleCompleted:
    return SaleCompleted(
        listing_id=listing.listing_id, new_owner_user_id=buyer_user_id, credits_received=listing.asking_price
    )
