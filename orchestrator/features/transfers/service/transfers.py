"""The transfer desk: a ticket from one person to another. It starts and signals transfer sagas and says how they went."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from common.db.idempotency import fingerprint_of
from common.errors import Busy, Conflict, Forbidden, PaymentRequired, TooManyRequests
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.seats import InventoryClient, OwnedSeat
from orchestrator.clients.models import CodeContext
from orchestrator.clients.orders.transfers import TransferFacts, TransfersClient
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.clients.users.otp import OtpClient
from orchestrator.errors import (
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
from orchestrator.saga_engine.outcomes import earlier, failure_of, opened, refuse_again, saga_id_of, succeeded
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["TransferService"]


class TransferService:
    """Args: `ttl_seconds`: how long both parties have to confirm (T8: 15 minutes)."""

    def __init__(
        self,
        engine: SagaEngine,
        *,
        transfers: TransfersClient,
        inventory: InventoryClient,
        events: EventsClient,
        directory: UserDirectory,
        otp: OtpClient,
        ttl_seconds: float,
    ) -> None:
        self._engine = engine
        self._transfers = transfers
        self._inventory = inventory
        self._events = events
        self._directory = directory
        self._otp = otp
        self._ttl = timedelta(seconds=ttl_seconds)

    async def initiate(
        self, request: TransferRequest, *, caller_id: uuid.UUID, key: str | None, address: str
    ) -> TransferPending:
        """Open a transfer and send both parties a code.

        Args:
            address: where the caller is.

        Raises:
            InvalidRequest: SELF_TRANSFER.
            Forbidden: the caller is no party; NOT_SEAT_OWNER; UNVERIFIED_ACCOUNT.
            NotFound: SEAT_NOT_FOUND, USER_NOT_FOUND.
            PaymentRequired: INSUFFICIENT_CREDITS, told to the buyer only: nobody learns what others have.
            Conflict: TRANSFER_IN_PROGRESS, LISTING_INVALID_STATE, ORDER_INVALID_STATE.
            Gone: EVENT_ENDED.
            StillRunning: it takes longer than the request may.
        """
        fingerprint = fingerprint_of(request.model_dump(mode="json"))
        transfer_id, saga = await earlier(
            self._engine, saga_id_of("transfer", user_id=caller_id, key=key), key=key, fingerprint=fingerprint
        )
        if saga is not None:
            return _pending(saga)
        seller_id = request.seller_user_id or caller_id
        if caller_id not in {seller_id, request.buyer_user_id}:
            raise Forbidden
        # The ticket first: who has none to give learns nothing of people.
        seat = await self._transferable(request.seat_id, seller_id=seller_id, caller_id=caller_id)
        event = await self._events.upcoming(seat.event_id)
        buyer_id = request.buyer_user_id or await self._found_by_email(str(request.buyer_email))
        await self._check_parties(caller_id, seller_id=seller_id, buyer_id=buyer_id)
        if caller_id == buyer_id:
            await self._check_balance(buyer_id, request.credits_amount)
        transfer = Transfer(
            saga_id=transfer_id,
            ticket=seat.ticket,
            seller_user_id=seller_id,
            buyer_user_id=buyer_id,
            initiated_by_user_id=caller_id,
            credits_amount=request.credits_amount,
            price_paid_before=seat.price_paid or Decimal("0.00"),
            expires_at=min(datetime.now(UTC) + self._ttl, event.event_date),
            address=address,
        )
        saga = await self._engine.start(TRANSFER, transfer, requested_by=caller_id, fingerprint=fingerprint)
        return _pending(saga)

    async def confirm(
        self, transfer_id: uuid.UUID, codes: Mapping[str, str], *, caller_id: uuid.UUID, key: str | None
    ) -> TransferPending | TransferCompleted:
        """Take one party's code, or both; with the second one credits and ticket change hands.

        Args:
            codes: by party, `seller` or `buyer`; an empty name stands for the caller's own.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: somebody else's transfer; NOT_SEAT_OWNER when the ticket is the seller's no more.
            Unauthenticated: OTP_INVALID; the transfer goes on.
            TooManyRequests: OTP_MAX_RETRIES: the third wrong code, and the end of the transfer.
            PaymentRequired: INSUFFICIENT_CREDITS; the transfer goes on.
            Gone: OTP_EXPIRED.
            Conflict: TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it takes longer than the request may.
        """
        transfer = await self._own(transfer_id, caller_id)
        for named, code in codes.items():
            party = named or transfer.party_of(caller_id)
            if party in transfer.waiting_for:
                transfer = await self._confirm_one(transfer, party, code)
        if transfer.status == "COMPLETED":
            return _completed(transfer)
        if transfer.status != "PENDING_OTP":
            raise TransferInvalidState(details={"status": transfer.status})
        if transfer.waiting_for:
            return TransferPending(
                transfer_id=transfer_id, waiting_for=transfer.waiting_for, expires_at=transfer.expires_at
            )
        return await self._swap(transfer, caller_id=caller_id, key=key)

    async def cancel(self, transfer_id: uuid.UUID, *, caller_id: uuid.UUID) -> TransferCancelledView:
        """Give a transfer up, by either party. Cancelling twice is the same as cancelling once.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: somebody else's transfer.
            Conflict: TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it takes longer than the request may.
        """
        transfer = await self._own(transfer_id, caller_id)
        if transfer.status == "CANCELLED":
            return TransferCancelledView(transfer_id=transfer_id)
        saga = await self._engine.end_waiting(transfer_id, TransferCancelled(), kind=TRANSFER)
        if saga is None and (saga := await self._engine.find(transfer_id)) is None:
            raise TransferInvalidState(details={"status": transfer.status})
        if saga.state is SagaState.RUNNING:
            raise Busy(retry_after_seconds=1)
        if saga.error is None or saga.error.code != TransferCancelled.code:
            raise TransferInvalidState(details={"status": transfer.status})
        if saga.state is not SagaState.UNWOUND:
            raise StillRunning(transfer_id)
        return TransferCancelledView(transfer_id=transfer_id)

    async def _check_parties(self, caller_id: uuid.UUID, *, seller_id: uuid.UUID, buyer_id: uuid.UUID) -> None:
        if seller_id == buyer_id:
            raise SelfTransfer
        other_id = buyer_id if caller_id == seller_id else seller_id
        if not (await self._directory.find(other_id)).is_verified:
            raise UnverifiedAccount

    async def _found_by_email(self, email: str) -> uuid.UUID:
        return (await self._directory.find_by_email(email)).user_id

    async def _transferable(self, seat_id: uuid.UUID, *, seller_id: uuid.UUID, caller_id: uuid.UUID) -> OwnedSeat:
        seat = await self._inventory.seat(seat_id)
        is_free = seat.status == "SOLD"
        # Others are not told whose ticket it is, nor that its owner is inside already.
        if seat.owner_user_id != seller_id or (caller_id != seller_id and not is_free):
            raise NotSeatOwner
        if seat.status == "LISTED":
            raise ListingInvalidState("The ticket is on sale: withdraw it first.")
        if not is_free:
            raise TicketNotUsable
        return seat

    async def _check_balance(self, user_id: uuid.UUID, amount: Decimal) -> None:
        if await self._directory.balance_of(user_id) < amount:
            raise PaymentRequired

    async def _own(self, transfer_id: uuid.UUID, caller_id: uuid.UUID) -> TransferFacts:
        transfer = await self._transfers.find(transfer_id)
        if not transfer.is_party(caller_id):
            raise NotYours
        return transfer

    async def _confirm_one(self, transfer: TransferFacts, party: str, code: str) -> TransferFacts:
        """Check a party's code and note it at once, so that it is not asked for again."""
        try:
            await self._otp.verify(
                user_id=transfer.user_of(party),
                context=CodeContext.TRANSFER,
                reference=transfer.transfer_id,
                otp_code=code,
            )
        except TooManyRequests as error:
            if error.code == OtpMaxRetries.code:
                await self.give_up(transfer.transfer_id)
            raise
        try:
            return await self._transfers.confirm(transfer.transfer_id, [party])
        except Conflict as error:
            if error.code != TransferInvalidState.code:
                raise
            return await self._transfers.find(transfer.transfer_id)  # it ended meanwhile, one way or the other

    async def give_up(self, transfer_id: uuid.UUID) -> None:
        """End a transfer for which three wrong codes were given (T8)."""
        with suppress(StillRunning):
            await self._engine.end_waiting(transfer_id, OtpMaxRetries(), kind=TRANSFER)

    async def _swap(self, transfer: TransferFacts, *, caller_id: uuid.UUID, key: str | None) -> TransferCompleted:
        await self._events.upcoming(transfer.event_id)
        if await self._transfers.is_disputed(seat_id=transfer.seat_id, order_id=transfer.order_id):
            raise TransferInvalidState("An earlier transfer of the ticket is disputed.")
        saga = await self._engine.signal(
            transfer.transfer_id, CONFIRM, kind=TRANSFER, signalled_by=caller_id, key=key, by_starter_only=False
        )
        if saga is None:
            saga = await self._overtaken(transfer, caller_id=caller_id, key=key)
        if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
            failure = failure_of(saga, expired=TransferExpired)
            raise TransferInvalidState if failure.code == TransferCancelled.code else failure
        saga = succeeded(saga)
        if saga.state is SagaState.WAITING and saga.error is not None:
            raise saga.error.to_error()
        return _completed(transfer)

    async def _overtaken(self, transfer: TransferFacts, *, caller_id: uuid.UUID, key: str | None) -> SagaRecord:
        """Return the saga that did not wait for our signal: confirmed twice, or too late."""
        await refuse_again(self._engine, transfer.transfer_id, CONFIRM, signalled_by=caller_id, key=key)
        saga = await self._engine.find(transfer.transfer_id)
        if saga is None:
            raise TransferInvalidState(details={"status": transfer.status})
        if saga.state in {SagaState.RUNNING, SagaState.WAITING}:
            raise Busy(retry_after_seconds=1)
        return saga


def _pending(saga: SagaRecord) -> TransferPending:
    """Return what was answered when the transfer was opened, whatever became of it since."""
    saga = opened(saga, opening=OPENING)
    if not isinstance(saga.data, Transfer):
        raise TransferInvalidState
    return TransferPending(
        transfer_id=saga.data.transfer_id, waiting_for=["seller", "buyer"], expires_at=saga.data.expires_at
    )


def _completed(transfer: TransferFacts) -> TransferCompleted:
    return TransferCompleted(
        transfer_id=transfer.transfer_id,
        new_owner_user_id=transfer.buyer_user_id,
        credits_transferred=transfer.credits_amount,
    )
