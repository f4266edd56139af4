"""The marketplace: fans resell tickets, never above the event's price cap (T10)."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.auth.principal import Principal
from common.errors import Busy, PaymentRequired
from orchestrator.clients import Clients
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.clients.models import CodeContext
from orchestrator.clients.orders.listings import ListingFacts
from orchestrator.clients.users.otp import resale_purchase_reference
from orchestrator.errors import (
    ListingInvalidState,
    NotSeatOwner,
    NotYours,
    OtpRequired,
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
from orchestrator.saga_engine.idempotency import find_settled, signal_once, start_once
from orchestrator.saga_engine.outcomes import data_of, failure_of, opened, succeeded
from orchestrator.saga_engine.record import SagaState

# After these refusals the buyer verifies a code, or tops up, and repeats the request.
REPEATABLE: Final = (OtpRequired.code, PaymentRequired.code)


@dataclass(frozen=True, slots=True)
class MarketplaceService:
    """Args: approval_time: how long a seller has to approve a sale (T10: 24 hours)."""

    engine: SagaEngine
    clients: Clients
    approval_time: timedelta

    async def list_ticket(self, request: ListRequest, *, caller_id: uuid.UUID, key: str | None) -> ListingActive:
        """List the caller's own ticket for resale.

        Raises:
            InvalidRequest: PRICE_ABOVE_CAP, with the highest price in `details`.
            Forbidden: NOT_SEAT_OWNER.
            NotFound: SEAT_NOT_FOUND.
            Conflict: LISTING_INVALID_STATE, TRANSFER_IN_PROGRESS, ORDER_INVALID_STATE.
            Gone: EVENT_ENDED.
            StillRunning: it exceeds the request's budget.
        """
        saga = await start_once(
            self.engine,
            LIST_FOR_RESALE,
            lambda saga_id: self._new_listing(saga_id, request, owner_id=caller_id),
            operation="list",
            requested_by=caller_id,
            key=key,
            request=request.model_dump(mode="json"),
        )
        listing = data_of(succeeded(saga), ListForResale, otherwise=ListingInvalidState)
        return ListingActive(
            listing_id=listing.listing_id, seat_id=listing.ticket.seat_id, asking_price=listing.asking_price
        )

    async def cancel(self, listing_id: uuid.UUID, *, caller: Principal) -> ListingCancelled:
        """Withdraw the caller's own listing. A buyer who waits for approval is declined and gets the credits back.

        An admin may withdraw any listing: before an admin reverses a transfer or refunds an order whose ticket is listed.

        Raises:
            NotFound: LISTING_NOT_FOUND.
            Forbidden: another user's listing.
            Conflict: LISTING_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        listing = await self.clients.listings.find(listing_id)
        if not caller.may_act_for(listing.seller_user_id):
            raise NotYours
        if listing.status == "CANCELLED":
            return ListingCancelled(listing_id=listing_id)
        if listing.status == "WITHDRAWING":
            raise Busy(retry_after_seconds=1)
        if listing.status == "PENDING_TRANSFER" and listing.sale_id is not None:
            await self._decline(listing.sale_id)
        withdrawal = WithdrawListing.of(listing, saga_id=uuid.uuid4())
        succeeded(await self.engine.start(WITHDRAW_LISTING, withdrawal, requested_by=caller.user_id))
        return ListingCancelled(listing_id=listing_id)

    async def buy(self, listing_id: uuid.UUID, *, caller_id: uuid.UUID, key: str | None, address: str) -> SalePending:
        """Hold the price in escrow and ask the seller to approve.

        Raises:
            PreconditionRequired: OTP_REQUIRED; a flagged user was sent a code.
            InvalidRequest: SELF_TRANSFER, the caller's own listing.
            NotFound: LISTING_NOT_FOUND.
            PaymentRequired: INSUFFICIENT_CREDITS.
            Conflict: LISTING_INVALID_STATE, another buyer was first, or a repeated request's sale has ended.
            Gone: EVENT_ENDED.
            StillRunning: it exceeds the request's budget.
        """
        saga = await start_once(
            self.engine,
            RESALE,
            lambda saga_id: self._resale(saga_id, listing_id, buyer_id=caller_id, address=address),
            operation="buy",
            requested_by=caller_id,
            key=key,
            request={"listing_id": listing_id},
            repeatable=REPEATABLE,
        )
        if saga.error is not None and saga.error.code == OtpRequired.code:
            await self._send_buyer_code(listing_id, buyer_id=caller_id, address=address)
            raise OtpRequired(
                "Please confirm with the code we sent to your phone, then buy again.",
                details={"context": "marketplace", "reference_id": str(listing_id)},
            )
        pending = opened(saga, opening=OPENING, ended=ListingInvalidState)
        resale = data_of(pending, Resale, otherwise=ListingInvalidState)
        return SalePending(
            listing_id=resale.listing_id,
            sale_id=resale.sale_id,
            credits_held=resale.price,
            expires_at=resale.expires_at,
        )

    async def approve(
        self, listing_id: uuid.UUID, otp_code: str, *, caller_id: uuid.UUID, key: str | None
    ) -> SaleCompleted:
        """Verify the seller's code; then the ticket and the credits change owner.

        Raises:
            NotFound: LISTING_NOT_FOUND.
            Forbidden: another user's listing.
            Unauthenticated: OTP_INVALID.
            TooManyRequests: OTP_MAX_RETRIES: the seller has to request another code.
            Gone: OTP_EXPIRED; OFFER_EXPIRED, the sale was not approved in time.
            Conflict: LISTING_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        listing = await self.clients.listings.find(listing_id)
        if listing.seller_user_id != caller_id:
            raise NotYours
        if listing.status == "COMPLETED" and listing.buyer_user_id is not None:
            return _completed(listing, listing.buyer_user_id)
        if listing.status != "PENDING_TRANSFER" or listing.sale_id is None or listing.buyer_user_id is None:
            raise ListingInvalidState(details={"status": listing.status})
        await self.clients.otp.verify(
            user_id=caller_id, context=CodeContext.RESALE, reference=listing.sale_id, otp_code=otp_code
        )
        await self.clients.events.require_on_sale(listing.event_id)
        if await self.clients.transfers.is_disputed(seat_id=listing.seat_id, order_id=listing.order_id):
            raise ListingInvalidState("A transfer of the ticket is disputed.")
        saga = await signal_once(self.engine, listing.sale_id, APPROVE, kind=RESALE, signalled_by=caller_id, key=key)
        if saga is None:
            raise ListingInvalidState
        if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
            failure = failure_of(saga, expired=SaleExpired)
            raise ListingInvalidState if failure.code == SaleDeclined.code else failure
        succeeded(saga)
        return _completed(listing, listing.buyer_user_id)

    async def _new_listing(self, saga_id: uuid.UUID, request: ListRequest, *, owner_id: uuid.UUID) -> ListForResale:
        seat = await self.clients.inventory.seat(request.seat_id)
        if seat.owner_user_id != owner_id:
            raise NotSeatOwner
        if seat.status == "LISTED":
            raise ListingInvalidState("The ticket is on sale already.")
        if seat.status != "SOLD":
            raise TicketNotUsable
        await self._check_price(seat, request.asking_price)
        return ListForResale(
            saga_id=saga_id, ticket=seat.ticket, seller_user_id=owner_id, asking_price=request.asking_price
        )

    async def _check_price(self, seat: OwnedSeat, asking_price: Decimal) -> None:
        event = await self.clients.events.require_on_sale(seat.event_id)
        event.check_resale_price(asking_price, face_value=seat.seat.price)

    async def _resale(self, saga_id: uuid.UUID, listing_id: uuid.UUID, *, buyer_id: uuid.UUID, address: str) -> Resale:
        listing = await self.clients.listings.find(listing_id)
        if listing.seller_user_id == buyer_id:
            raise SelfTransfer
        if listing.status != "ACTIVE":
            raise ListingInvalidState(details={"status": listing.status})
        event = await self.clients.events.require_on_sale(listing.event_id)
        return Resale(
            saga_id=saga_id,
            listing_id=listing_id,
            seat_id=listing.seat_id,
            order_id=listing.order_id,
            event_id=listing.event_id,
            seller_user_id=listing.seller_user_id,
            buyer_user_id=buyer_id,
            price=listing.asking_price,
            expires_at=min(datetime.now(UTC) + self.approval_time, event.event_date),
            address=address,
        )

    async def _send_buyer_code(self, listing_id: uuid.UUID, *, buyer_id: uuid.UUID, address: str) -> None:
        with suppress(Busy):  # another request is sending a code
            await self.clients.otp.send_again(
                user_id=buyer_id,
                context=CodeContext.PURCHASE,
                reference=resale_purchase_reference(listing_id, buyer_user_id=buyer_id),
                address=address,
            )

    async def _decline(self, sale_id: uuid.UUID) -> None:
        saga = await self.engine.end_waiting(sale_id, SaleDeclined(), kind=RESALE)
        if saga is None and (saga := await find_settled(self.engine, sale_id)) is None:
            raise ListingInvalidState
        if saga.state is SagaState.COMPLETED:
            raise ListingInvalidState(details={"status": "COMPLETED"})
        if saga.state is not SagaState.UNWOUND:
            raise Busy(retry_after_seconds=1)


def _completed(listing: ListingFacts, buyer_user_id: uuid.UUID) -> SaleCompleted:
    return SaleCompleted(
        listing_id=listing.listing_id, new_owner_user_id=buyer_user_id, credits_received=listing.asking_price
    )
