"""One-time codes of fans: verify one for an order, request another."""

import uuid
from dataclasses import dataclass

from common.errors import Busy, ServiceError, TooManyRequests
from orchestrator.clients import Clients
from orchestrator.clients.models import CodeContext
from orchestrator.clients.users.otp import resale_purchase_reference
from orchestrator.errors import (
    HoldExpired,
    ListingInvalidState,
    NotYours,
    OrderAlreadyConfirmed,
    OrderInvalidState,
    OtpMaxRetries,
    OtpRequired,
    TransferInvalidState,
)
from orchestrator.features.otp.schemas import CodeSent, RefusedContext, Verified
from orchestrator.features.purchases.service import own_purchase
from orchestrator.features.transfers.service.transfers import TransferService, own_transfer
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.record import SagaRecord, SagaState


@dataclass(frozen=True, slots=True)
class OtpService:
    engine: SagaEngine
    clients: Clients
    transfers: TransferService

    async def verify_purchase(self, *, user_id: uuid.UUID, order_id: uuid.UUID, otp_code: str) -> Verified:
        """Verify the payer's code: it permits payment of this order only.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            Conflict: ORDER_ALREADY_CONFIRMED, ORDER_INVALID_STATE.
            Unauthenticated, Gone, TooManyRequests, Unavailable: as `OtpClient.verify`.
        """
        await self._unpaid_order(order_id, user_id=user_id)
        await self.clients.otp.verify(
            user_id=user_id, context=CodeContext.PURCHASE, reference=order_id, otp_code=otp_code
        )
        return Verified(context="purchase", reference_id=order_id)

    async def verify_resale_purchase(self, *, user_id: uuid.UUID, listing_id: uuid.UUID, otp_code: str) -> Verified:
        """Verify a buyer's code: it permits the purchase of this listing only.

        Raises:
            NotFound: LISTING_NOT_FOUND.
            Conflict: LISTING_INVALID_STATE.
            Unauthenticated, Gone, TooManyRequests, Unavailable: as `OtpClient.verify`.
        """
        listing = await self.clients.listings.find(listing_id)
        if listing.status != "ACTIVE":
            raise ListingInvalidState(details={"status": listing.status})
        reference = resale_purchase_reference(listing_id, buyer_user_id=user_id)
        await self.clients.otp.verify(
            user_id=user_id, context=CodeContext.PURCHASE, reference=reference, otp_code=otp_code
        )
        return Verified(context="marketplace", reference_id=listing_id)

    async def verify_refused_request(
        self, context: RefusedContext, *, user_id: uuid.UUID, reference_id: uuid.UUID, otp_code: str
    ) -> Verified:
        """Verify a user's code: it permits the purchase or the order for which it was sent.

        Raises:
            Unauthenticated, Gone, TooManyRequests, Unavailable: as `OtpClient.verify`; the codes are the user's own.
        """
        await self.clients.otp.verify(
            user_id=user_id, context=CodeContext.PURCHASE, reference=reference_id, otp_code=otp_code
        )
        return Verified(context=context, reference_id=reference_id)

    async def resend_for_purchase(self, order_id: uuid.UUID, *, user_id: uuid.UUID, address: str) -> CodeSent:
        """Send another code for an order whose payment was refused without one.

        Raises: as `verify_purchase`.
            TooManyRequests: RATE_LIMITED, a code was sent a moment ago.
        """
        saga = await self._unpaid_order(order_id, user_id=user_id)
        if saga.error is None or saga.error.code != OtpRequired.code:
            raise OrderInvalidState("No code is needed for that order.")
        return await self._send_again(user_id, CodeContext.PURCHASE, order_id, address=address)

    async def resend_for_transfer(self, transfer_id: uuid.UUID, *, user_id: uuid.UUID, address: str) -> CodeSent:
        """Send a party of a pending transfer another code.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: the user is not a party.
            Conflict: TRANSFER_INVALID_STATE, it has ended or the party has confirmed.
            TooManyRequests: RATE_LIMITED, a code was sent a moment ago; OTP_MAX_RETRIES, which ends the transfer.
        """
        transfer = await own_transfer(self.clients, transfer_id, user_id)
        if transfer.party_of(user_id) not in transfer.waiting_for:
            raise TransferInvalidState(details={"status": transfer.status})
        try:
            return await self._send_again(user_id, CodeContext.TRANSFER, transfer_id, address=address)
        except TooManyRequests as error:
            if error.code == OtpMaxRetries.code:
                await self.transfers.end_unproven(transfer_id)
            raise

    async def resend_for_resale(self, listing_id: uuid.UUID, *, user_id: uuid.UUID, address: str) -> CodeSent:
        """Send the seller of a listing that has a buyer another code.

        Raises:
            NotFound: LISTING_NOT_FOUND.
            Forbidden: another user's listing.
            Conflict: LISTING_INVALID_STATE, it has no buyer.
            TooManyRequests: RATE_LIMITED, a code was sent a moment ago.
        """
        listing = await self.clients.listings.find(listing_id)
        if listing.seller_user_id != user_id:
            raise NotYours
        if listing.status != "PENDING_TRANSFER" or listing.sale_id is None:
            raise ListingInvalidState(details={"status": listing.status})
        sent = await self._send_again(user_id, CodeContext.RESALE, listing.sale_id, address=address)
        return sent.model_copy(update={"reference_id": listing_id})

    async def _send_again(
        self, user_id: uuid.UUID, context: CodeContext, reference: uuid.UUID, *, address: str
    ) -> CodeSent:
        sent = await self.clients.otp.send_again(user_id=user_id, context=context, reference=reference, address=address)
        if not sent.is_sent:
            raise TooManyRequests("A code was sent a moment ago.", retry_after_seconds=sent.retry_after_seconds or 1)
        return CodeSent(reference_id=reference)

    async def _unpaid_order(self, order_id: uuid.UUID, *, user_id: uuid.UUID) -> SagaRecord:
        saga = await own_purchase(self.engine, order_id, user_id=user_id)
        if saga.state is not SagaState.WAITING:
            raise _state_error(saga)
        return saga


def _state_error(saga: SagaRecord) -> ServiceError:
    if saga.state is SagaState.COMPLETED:
        return OrderAlreadyConfirmed()
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        return Busy(retry_after_seconds=1)  # it is being paid
    if saga.error is None or saga.error.code == HoldExpired.code:
        return HoldExpired()
    return OrderInvalidState()
