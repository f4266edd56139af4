"""The box office: reserve, pay, cancel. It starts and signals purchase sagas and says how they went."""

import math
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

from common.db.idempotency import fingerprint_of
from common.errors import Busy, Forbidden, Unprocessable
from orchestrator.clients.events import EventsClient
from orchestrator.clients.models import CodeContext, SeatChoice
from orchestrator.clients.users.otp import OtpClient
from orchestrator.errors import (
    EventEnded,
    HoldExpired,
    OrderAlreadyConfirmed,
    OrderCancelled,
    OrderInvalidState,
    OrderNotFound,
    OtpRequired,
)
from orchestrator.features.purchases.saga import OPEN_ORDER, PAY, PURCHASE, Purchase
from orchestrator.features.purchases.schemas import Cancellation, Receipt, Reservation, TicketCode
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.outcomes import refuse_again
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["PurchaseService"]


class PurchaseService:
    def __init__(self, engine: SagaEngine, events: EventsClient, otp: OtpClient) -> None:
        self._engine = engine
        self._events = events
        self._otp = otp

    async def reserve(
        self, *, user_id: uuid.UUID, event_id: uuid.UUID, choice: SeatChoice, key: str | None
    ) -> Reservation:
        """Hold seats and open an order for them.

        Args:
            key: the request's idempotency key. With one, a repeated request finds the first one's order.

        Raises:
            NotFound: EVENT_NOT_FOUND, SEAT_NOT_FOUND.
            Gone: EVENT_ENDED, or HOLD_EXPIRED when a repeated request's hold is over.
            Conflict: SEAT_UNAVAILABLE, SEAT_ALREADY_SOLD, REQUEST_IN_PROGRESS.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it takes longer than the request may.
        """
        saga_id = uuid.uuid5(user_id, f"{choice.operation}/{key}") if key else uuid.uuid4()
        fingerprint = fingerprint_of({"event_id": event_id, "choice": choice.model_dump(mode="json")})
        try:
            event = await self._events.upcoming(event_id)
        except EventEnded:
            # It was not over when the request came first, perhaps; then its answer stands.
            if key is None or (first := await self._engine.find(saga_id)) is None:
                raise
            return _first_answer(first, fingerprint)
        purchase = Purchase(saga_id=saga_id, user_id=user_id, event_id=event_id, hall_id=event.hall_id, choice=choice)
        saga = await self._engine.start(PURCHASE, purchase, requested_by=user_id, fingerprint=fingerprint)
        return _reservation(saga)

    async def pay(self, *, user_id: uuid.UUID, order_id: uuid.UUID, key: str | None, address: str) -> Receipt:
        """Charge the wallet, sell the seats, confirm the order. A repeated request gets the first one's answer.

        Args:
            address: where the caller is.

        Raises:
            PreconditionRequired: OTP_REQUIRED; a flagged user was sent a code, the hold goes on.
            NotFound: ORDER_NOT_FOUND.
            Forbidden: somebody else's order.
            PaymentRequired: INSUFFICIENT_CREDITS; the hold goes on.
            Gone: HOLD_EXPIRED.
            Conflict: ORDER_INVALID_STATE, ORDER_ALREADY_CONFIRMED, REQUEST_IN_PROGRESS.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it takes longer than the request may.
        """
        saga = await self._engine.signal(order_id, PAY, kind=PURCHASE, signalled_by=user_id, key=key)
        if saga is None:
            return await self._pay_again(user_id=user_id, order_id=order_id, key=key)
        if saga.state is SagaState.WAITING and saga.error is not None and saga.error.code == OtpRequired.code:
            with suppress(Busy):  # a code is on its way
                await self._otp.send_again(
                    user_id=user_id, context=CodeContext.PURCHASE, reference=order_id, address=address
                )
            raise OtpRequired
        return _receipt(saga)

    async def cancel(self, *, user_id: uuid.UUID, order_id: uuid.UUID) -> Cancellation:
        """Give a hold up. Cancelling twice is the same as cancelling once.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: somebody else's order.
            Conflict: ORDER_ALREADY_CONFIRMED; ORDER_INVALID_STATE when it failed; REQUEST_IN_PROGRESS.
            StillRunning: it takes longer than the request may.
        """
        await self._own_purchase(user_id=user_id, order_id=order_id)
        saga = await self._engine.end_waiting(order_id, OrderCancelled(), kind=PURCHASE)
        if saga is None:
            saga = await self._own_purchase(user_id=user_id, order_id=order_id)
        if saga.state is SagaState.COMPLETED:
            raise OrderAlreadyConfirmed
        if saga.state is SagaState.RUNNING:
            raise Busy(retry_after_seconds=1)
        if saga.error is None or saga.error.code != OrderCancelled.code:
            raise OrderInvalidState
        if saga.state is not SagaState.UNWOUND:
            raise StillRunning(order_id)
        return Cancellation(order_id=order_id)

    async def hold_expired(self, order_id: uuid.UUID) -> None:
        """Learn that a hold is over. An order that is being paid, or is paid, is left alone."""
        await self._engine.end_waiting(order_id, HoldExpired(), kind=PURCHASE)

    async def _pay_again(self, *, user_id: uuid.UUID, order_id: uuid.UUID, key: str | None) -> Receipt:
        """Answer a payment that found nobody waiting for it: repeated, too early, or too late."""
        await refuse_again(self._engine, order_id, PAY, signalled_by=user_id, key=key)
        saga = await self._own_purchase(user_id=user_id, order_id=order_id)
        if saga.state is SagaState.WAITING and _purchase_of(saga).held.held_until <= datetime.now(UTC):
            raise HoldExpired  # its time is over, and the recoverer has not come by yet
        if saga.state in {SagaState.RUNNING, SagaState.WAITING}:
            raise Busy(retry_after_seconds=1)  # waiting again by now: another request was refused meanwhile
        if saga.state is SagaState.COMPLETED and key is not None and key != saga.signal_key:
            raise OrderAlreadyConfirmed
        return _receipt(saga)

    async def _own_purchase(self, *, user_id: uuid.UUID, order_id: uuid.UUID) -> SagaRecord:
        saga = await self._engine.find(order_id)
        if saga is None or saga.kind != PURCHASE:
            raise OrderNotFound
        if saga.requested_by != user_id:
            raise Forbidden
        return saga


def _first_answer(saga: SagaRecord, fingerprint: str) -> Reservation:
    if saga.fingerprint != fingerprint:
        raise Unprocessable
    return _reservation(saga)


def _reservation(saga: SagaRecord) -> Reservation:
    """Return what was answered when the seats were held, whatever became of the order since."""
    purchase = _purchase_of(saga)
    if saga.error is not None and saga.error.step == OPEN_ORDER:
        _raise_failure(saga)
    held = purchase.held
    seat_ids = [seat.seat_id for seat in held.seats]
    return Reservation(
        order_id=purchase.order_id,
        seat_ids=seat_ids,
        seat_id=seat_ids[0] if len(seat_ids) == 1 else None,
        held_until=held.held_until,
        ttl_seconds=max(0, math.ceil((held.held_until - datetime.now(UTC)).total_seconds())),
        total=held.total,
    )


def _receipt(saga: SagaRecord) -> Receipt:
    purchase = _purchase_of(saga)
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)  # stuck or not, people or time will finish it
    if saga.state is not SagaState.COMPLETED or purchase.charge is None:
        _raise_failure(saga)
    tickets = [TicketCode(seat_id=ticket.seat_id, qr_payload=ticket.qr_payload) for ticket in purchase.tickets]
    return Receipt(
        order_id=purchase.order_id,
        credits_charged=purchase.held.total,
        remaining_balance=purchase.charge.balance,
        tickets=tickets,
        qr_payload=tickets[0].qr_payload if len(tickets) == 1 else None,
    )


def _raise_failure(saga: SagaRecord) -> NoReturn:
    if saga.error is None:
        raise HoldExpired  # just taken from its wait, by the recoverer
    if saga.error.code == OrderCancelled.code:
        raise OrderInvalidState("The order was cancelled.")
    raise saga.error.to_error()


def _purchase_of(saga: SagaRecord) -> Purchase:
    if not isinstance(saga.data, Purchase):
        raise OrderNotFound
    return saga.data
