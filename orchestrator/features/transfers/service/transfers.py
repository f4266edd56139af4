"""Transfers between fans: initiate, confirm, cancel. Starts and signals transfer sagas and returns their outcomes."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from common.errors import Conflict, Forbidden, PaymentRequired, TooManyRequests
from orchestrator.clients import Clients
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.clients.models import CodeContext
from orchestrator.clients.orders.transfers import TransferFacts
from orchestrator.errors import (
    AccountSuspended,
    ListingInvalidState,
    NotSeatOwner,
    NotYours,
    OtpMaxRetries,
    SelfTransfer,
    TicketNotUsable,
    TransferCancelled,
    TransferExpired,
    TransferInvalidState,
    UnverifiedAccount,
)
from orchestrator.features.transfers.saga.transfer import CONFIRM, OPENING, TRANSFER, Transfer
from orchestrator.features.transfers.schemas import (
    TransferCancelledView,
    TransferCompleted,
    TransferPending,
    TransferRequest,
)
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import signal_once, start_once
from orchestrator.saga_engine.outcomes import check_cancelled, data_of, failure_of, opened, succeeded
from orchestrator.saga_engine.record import SagaState


@dataclass(frozen=True, slots=True)
class TransferService:
    """Args: time_to_live: how long both parties have to confirm (T8: 15 minutes)."""

    engine: SagaEngine
    clients: Clients
    time_to_live: timedelta

    async def initiate(
        self, request: TransferRequest, *, caller_id: uuid.UUID, key: str | None, address: str
    ) -> TransferPending:
        """Open a transfer and send both parties a code.

        Args:
            address: the caller's network address.

        Raises:
            InvalidRequest: SELF_TRANSFER; PRICE_ABOVE_CAP, with the highest price in `details`.
            Forbidden: the caller is not a party; NOT_SEAT_OWNER; UNVERIFIED_ACCOUNT.
            NotFound: SEAT_NOT_FOUND, USER_NOT_FOUND.
            PaymentRequired: INSUFFICIENT_CREDITS, if the buyer is the caller: a balance is shown to its owner only.
            Conflict: TRANSFER_IN_PROGRESS, LISTING_INVALID_STATE, ORDER_INVALID_STATE; TRANSFER_INVALID_STATE if a
                repeated request's transfer has ended.
            Gone: EVENT_ENDED.
            StillRunning: it exceeds the request's budget.
        """
        saga = await start_once(
            self.engine,
            TRANSFER,
            lambda saga_id: self._transfer(saga_id, request, caller_id=caller_id, address=address),
            operation="transfer",
            requested_by=caller_id,
            key=key,
            request=request.model_dump(mode="json"),
        )
        pending = opened(saga, opening=OPENING, ended=TransferInvalidState)
        transfer = data_of(pending, Transfer, otherwise=TransferInvalidState)
        return TransferPending(
            transfer_id=transfer.transfer_id,
            seat_id=transfer.ticket.seat_id,
            waiting_for=["seller", "buyer"],
            expires_at=transfer.expires_at,
        )

    async def confirm(
        self, transfer_id: uuid.UUID, codes: Mapping[str, str], *, caller_id: uuid.UUID, key: str | None
    ) -> TransferPending | TransferCompleted:
        """Verify one party's code, or both. With the second code, the credits and the ticket change owner.

        Args:
            codes: by party, `seller` or `buyer`; an empty name is the caller's own party.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: the caller is not a party; NOT_SEAT_OWNER if the seller no longer owns the ticket;
                ACCOUNT_SUSPENDED, the buyer is told so.
            Unauthenticated: OTP_INVALID; the transfer goes on.
            TooManyRequests: OTP_MAX_RETRIES: the third wrong code ends the transfer.
            PaymentRequired: INSUFFICIENT_CREDITS; the transfer goes on.
            Gone: OTP_EXPIRED.
            Conflict: TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        transfer = await own_transfer(self.clients, transfer_id, caller_id)
        for named, code in codes.items():
            party = named or transfer.party_of(caller_id)
            if party in transfer.waiting_for:
                transfer = await self._confirm_party(transfer, party, code)
        if transfer.status == "COMPLETED":
            return _completed(transfer)
        if transfer.status != "PENDING_OTP":
            raise TransferInvalidState(details={"status": transfer.status})
        if transfer.waiting_for:
            return TransferPending(
                transfer_id=transfer_id,
                seat_id=transfer.seat_id,
                waiting_for=transfer.waiting_for,
                expires_at=transfer.expires_at,
            )
        return await self._complete(transfer, caller_id=caller_id, key=key)

    async def cancel(self, transfer_id: uuid.UUID, *, caller_id: uuid.UUID) -> TransferCancelledView:
        """Cancel a pending transfer, by either party. Cancelling twice is the same as cancelling once.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: the caller is not a party.
            Conflict: TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        transfer = await own_transfer(self.clients, transfer_id, caller_id)
        if transfer.status != "CANCELLED":
            refusal = TransferInvalidState(details={"status": transfer.status})
            saga = await self.engine.end_waiting(transfer_id, TransferCancelled(), kind=TRANSFER)
            if saga is None and (saga := await self.engine.log.find(transfer_id)) is None:
                raise refusal
            check_cancelled(saga, TransferCancelled, otherwise=refusal)
        return TransferCancelledView(transfer_id=transfer_id)

    async def end_unproven(self, transfer_id: uuid.UUID) -> None:
        """End a transfer after three wrong codes (T8)."""
        with suppress(StillRunning):
            await self.engine.end_waiting(transfer_id, OtpMaxRetries(), kind=TRANSFER)

    async def _transfer(
        self, saga_id: uuid.UUID, request: TransferRequest, *, caller_id: uuid.UUID, address: str
    ) -> Transfer:
        seller_id = request.seller_user_id or caller_id
        if caller_id not in {seller_id, request.buyer_user_id}:
            raise Forbidden
        # The ticket is checked first: a caller without one learns nothing about other users.
        seat = await self._transferable(request.seat_id, seller_id=seller_id, caller_id=caller_id)
        event = await self.clients.events.require_on_sale(seat.event_id)
        event.check_resale_price(request.credits_amount, face_value=seat.seat.price)
        buyer_id = request.buyer_user_id or (await self.clients.users.find_by_email(str(request.buyer_email))).user_id
        await self._check_parties(caller_id, seller_id=seller_id, buyer_id=buyer_id)
        if caller_id == buyer_id and await self.clients.users.balance_of(buyer_id) < request.credits_amount:
            raise PaymentRequired
        return Transfer(
            saga_id=saga_id,
            ticket=seat.ticket,
            seller_user_id=seller_id,
            buyer_user_id=buyer_id,
            initiated_by_user_id=caller_id,
            credits_amount=request.credits_amount,
            price_paid_before=seat.price_paid or Decimal("0.00"),
            expires_at=min(datetime.now(UTC) + self.time_to_live, event.event_date),
            address=address,
        )

    async def _transferable(self, seat_id: uuid.UUID, *, seller_id: uuid.UUID, caller_id: uuid.UUID) -> OwnedSeat:
        seat = await self.clients.inventory.seat(seat_id)
        is_free = seat.status == "SOLD"
        # Another fan learns neither who owns the ticket nor that its owner has checked in.
        if seat.owner_user_id != seller_id or (caller_id != seller_id and not is_free):
            raise NotSeatOwner
        if seat.status == "LISTED":
            raise ListingInvalidState("The ticket is on sale: withdraw it first.")
        if not is_free:
            raise TicketNotUsable
        return seat

    async def _check_parties(self, caller_id: uuid.UUID, *, seller_id: uuid.UUID, buyer_id: uuid.UUID) -> None:
        if seller_id == buyer_id:
            raise SelfTransfer
        other_id = buyer_id if caller_id == seller_id else seller_id
        if not (await self.clients.users.find(other_id)).is_verified:
            raise UnverifiedAccount

    async def _confirm_party(self, transfer: TransferFacts, party: str, code: str) -> TransferFacts:
        """Verify a party's code and store the confirmation at once, so that the code is not needed again."""
        try:
            await self.clients.otp.verify(
                user_id=transfer.user_of(party),
                context=CodeContext.TRANSFER,
                reference=transfer.transfer_id,
                otp_code=code,
            )
        except TooManyRequests as error:
            if error.code == OtpMaxRetries.code:
                await self.end_unproven(transfer.transfer_id)
            raise
        try:
            return await self.clients.transfers.confirm(transfer.transfer_id, [party])
        except Conflict as error:
            if error.code != TransferInvalidState.code:
                raise
            return await self.clients.transfers.find(transfer.transfer_id)  # it has completed or failed meanwhile

    async def _complete(self, transfer: TransferFacts, *, caller_id: uuid.UUID, key: str | None) -> TransferCompleted:
        await self.clients.events.require_on_sale(transfer.event_id)
        if await self.clients.transfers.is_disputed(seat_id=transfer.seat_id, order_id=transfer.order_id):
            raise TransferInvalidState("An earlier transfer of the ticket is disputed.")
        saga = await signal_once(
            self.engine, transfer.transfer_id, CONFIRM, kind=TRANSFER, signalled_by=caller_id, key=key
        )
        if saga is None:
            raise TransferInvalidState(details={"status": transfer.status})
        if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
            failure = failure_of(saga, expired=TransferExpired)
            is_about_buyer = failure.code == AccountSuspended.code and caller_id != transfer.buyer_user_id
            raise TransferInvalidState if failure.code == TransferCancelled.code or is_about_buyer else failure
        saga = succeeded(saga)
        if saga.state is SagaState.WAITING and saga.error is not None:
            raise saga.error.to_error()
        return _completed(transfer)


async def own_transfer(clients: Clients, transfer_id: uuid.UUID, user_id: uuid.UUID) -> TransferFacts:
    """Return a transfer that the user is a party of.

    Raises:
        NotFound: TRANSFER_NOT_FOUND.
        Forbidden: the user is not a party.
    """
    transfer = await clients.transfers.find(transfer_id)
    if not transfer.is_party(user_id):
        raise NotYours
    return transfer


def _completed(transfer: TransferFacts) -> TransferCompleted:
    return TransferCompleted(
        transfer_id=transfer.transfer_id,
        new_owner_user_id=transfer.buyer_user_id,
        credits_transferred=transfer.credits_amount,
    )
