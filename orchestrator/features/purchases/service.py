"""Purchases: reserve, pay, cancel. Starts and signals purchase sagas and returns their outcomes."""

import math
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from common.db.idempotency import fingerprint_of
from common.errors import Busy, Unprocessable
from orchestrator.clients import Clients
from orchestrator.clients.models import CodeContext, SeatChoice
from orchestrator.errors import (
    EventEnded,
    HoldExpired,
    NotYours,
    OrderAlreadyConfirmed,
    OrderCancelled,
    OrderInvalidState,
    OrderNotFound,
    OtpRequired,
    SaleNotStarted,
)
from orchestrator.features.purchases.saga import OPEN_ORDER, PAY, PURCHASE, Purchase
from orchestrator.features.purchases.schemas import Cancellation, Receipt, Reservation
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import check_key, request_id_of
from orchestrator.saga_engine.outcomes import check_cancelled, data_of
from orchestrator.saga_engine.record import SagaRecord, SagaState


@dataclass(frozen=True, slots=True)
class PurchaseService:
    engine: SagaEngine
    clients: Clients

    async def reserve(
        self, *, user_id: uuid.UUID, event_id: uuid.UUID, choice: SeatChoice, key: str | None
    ) -> Reservation:
        """Hold seats and open an order for them.

        Args:
            key: the request's idempotency key. With one, a repeated request finds the first one's order.

        Raises:
            NotFound: EVENT_NOT_FOUND, SEAT_NOT_FOUND.
            Gone: EVENT_ENDED, or HOLD_EXPIRED if a repeated request's hold has expired.
            Conflict: SEAT_UNAVAILABLE, SEAT_ALREADY_SOLD, REQUEST_IN_PROGRESS; ORDER_INVALID_STATE or
                ORDER_ALREADY_CONFIRMED if a repeated request's order has ended; EVENT_INVALID_STATE before the sale.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it exceeds the request's budget.
        """
        saga_id = request_id_of(choice.operation, user_id=user_id, key=key)
        fingerprint = fingerprint_of({"event_id": event_id, "choice": choice.model_dump(mode="json")})
        try:
            event = await self.clients.events.require_on_sale(event_id)
            event.check_sale_has_started()
        except (EventEnded, SaleNotStarted):
            # A repeated request gets its first answer even if the sale has ended, or was postponed, since.
            if key is None or (first := await self.engine.log.find(saga_id)) is None:
                raise
            if first.fingerprint != fingerprint:
                raise Unprocessable from None
            return _reservation(first, saga_id)
        if choice.category:
            choice = choice.model_copy(update={"category": event.category_of(choice.category)})
        purchase = Purchase(saga_id=saga_id, user_id=user_id, event_id=event_id, hall_id=event.hall_id, choice=choice)
        saga = await self.engine.start(PURCHASE, purchase, requested_by=user_id, fingerprint=fingerprint)
        return _reservation(saga, saga_id)

    async def pay(self, *, user_id: uuid.UUID, order_id: uuid.UUID, key: str | None, address: str) -> Receipt:
        """Charge the wallet, sell the seats, confirm the order. A repeated request gets the first one's answer.

        OTP_REQUIRED and INSUFFICIENT_CREDITS are no answers in that sense: the same request can be repeated.

        Args:
            address: the caller's network address.

        Raises:
            PreconditionRequired: OTP_REQUIRED; a flagged user was sent a code, the hold goes on.
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            PaymentRequired: INSUFFICIENT_CREDITS; the hold goes on.
            Gone: HOLD_EXPIRED.
            Conflict: ORDER_INVALID_STATE, ORDER_ALREADY_CONFIRMED, REQUEST_IN_PROGRESS.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it exceeds the request's budget.
        """
        saga = await self.engine.signal(order_id, PAY, kind=PURCHASE, signalled_by=user_id, key=key)
        if saga is None:
            return await self._pay_again(user_id=user_id, order_id=order_id, key=key)
        if saga.state is SagaState.WAITING and saga.error is not None and saga.error.code == OtpRequired.code:
            with suppress(Busy):  # another request is sending a code
                await self.clients.otp.send_again(
                    user_id=user_id, context=CodeContext.PURCHASE, reference=order_id, address=address
                )
            raise OtpRequired
        return _receipt(saga)

    async def cancel(self, *, user_id: uuid.UUID, order_id: uuid.UUID) -> Cancellation:
        """Release a hold. Cancelling twice is the same as cancelling once.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            Conflict: ORDER_ALREADY_CONFIRMED; ORDER_INVALID_STATE if it failed; REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        await own_purchase(self.engine, order_id, user_id=user_id)
        saga = await self.engine.end_waiting(order_id, OrderCancelled(), kind=PURCHASE)
        if saga is None:
            saga = await own_purchase(self.engine, order_id, user_id=user_id)
        if saga.state is SagaState.COMPLETED:
            raise OrderAlreadyConfirmed
        check_cancelled(saga, OrderCancelled, otherwise=OrderInvalidState())
        return Cancellation(order_id=order_id)

    async def hold_expired(self, order_id: uuid.UUID) -> None:
        """End a purchase whose hold has expired. An order that is being paid, or is paid, stays as it is."""
        await self.engine.end_waiting(order_id, HoldExpired(), kind=PURCHASE)

    async def _pay_again(self, *, user_id: uuid.UUID, order_id: uuid.UUID, key: str | None) -> Receipt:
        """Answer a payment for a saga that did not wait for it: repeated, too early, or too late."""
        await check_key(self.engine, order_id, PAY, signalled_by=user_id, key=key)
        saga = await own_purchase(self.engine, order_id, user_id=user_id)
        match saga.state:
            # The recoverer has not ended the saga yet.
            case SagaState.WAITING if _purchase_of(saga).existing_hold.held_until <= datetime.now(UTC):
                raise HoldExpired
            # RUNNING: another request pays. WAITING: another request has just been refused.
            case SagaState.RUNNING | SagaState.WAITING:
                raise Busy(retry_after_seconds=1)
            # Another request has paid.
            case SagaState.COMPLETED if key is not None and key != saga.signal_key:
                raise OrderAlreadyConfirmed
        return _receipt(saga)


async def own_purchase(engine: SagaEngine, order_id: uuid.UUID, *, user_id: uuid.UUID) -> SagaRecord:
    """Return the user's purchase saga.

    Raises:
        NotFound: ORDER_NOT_FOUND.
        Forbidden: another user's order.
    """
    saga = await engine.log.find(order_id)
    if saga is None or saga.kind != PURCHASE:
        raise OrderNotFound
    if saga.requested_by != user_id:
        raise NotYours
    return saga


def _reservation(saga: SagaRecord, requested_id: uuid.UUID) -> Reservation:
    """Return the seats that are held by the purchase of a request, the first time or repeated.

    Args:
        requested_id: the request's own purchase. Without a key, a request for held seats finds the purchase that holds
            them; if it ends at this moment, the seats are not free yet.
    """
    purchase = _purchase_of(saga)
    hold = purchase.existing_hold
    is_being_paid = saga.state is SagaState.RUNNING and saga.step != OPEN_ORDER
    is_waiting = saga.state is SagaState.WAITING and hold.held_until > datetime.now(UTC)
    if not is_being_paid and not is_waiting:
        if saga.saga_id != requested_id:
            raise Busy(retry_after_seconds=1)
        _raise_ended(saga)
    seat_ids = [seat.seat_id for seat in hold.seats]
    return Reservation(
        order_id=purchase.order_id,
        seat_ids=seat_ids,
        seat_id=seat_ids[0] if len(seat_ids) == 1 else None,
        held_until=hold.held_until,
        ttl_seconds=max(0, math.ceil((hold.held_until - datetime.now(UTC)).total_seconds())),
        total=hold.total,
    )


def _receipt(saga: SagaRecord) -> Receipt:
    purchase = _purchase_of(saga)
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.state is not SagaState.COMPLETED or purchase.charge is None:
        _raise_failure(saga)
    only = purchase.tickets[0] if len(purchase.tickets) == 1 else None
    return Receipt(
        order_id=purchase.order_id,
        seat_id=only and only.seat_id,
        credits_charged=purchase.existing_hold.total,
        remaining_balance=purchase.charge.balance,
        tickets=list(purchase.tickets),
        qr_payload=only and only.qr_payload,
    )


def _raise_ended(saga: SagaRecord) -> NoReturn:
    """Raise why a purchase does not hold its seats.

    Raises:
        StillRunning: its order is not open yet, or it is stuck; both are tried again.
        ServiceError: it is paid, or has failed.
    """
    match saga.state:
        case SagaState.RUNNING | SagaState.STUCK:
            raise StillRunning(saga.saga_id)
        case SagaState.COMPLETED:
            raise OrderAlreadyConfirmed(details={"order_id": str(saga.saga_id)})
        case SagaState.WAITING:
            raise HoldExpired  # the recoverer has not ended it yet
    _raise_failure(saga)


def _raise_failure(saga: SagaRecord) -> NoReturn:
    if saga.error is None:
        raise HoldExpired  # the recoverer has just claimed it
    if saga.error.code == OrderCancelled.code:
        raise OrderInvalidState("The order was cancelled.")
    raise saga.error.to_error()


def _purchase_of(saga: SagaRecord) -> Purchase:
    return data_of(saga, Purchase, otherwise=OrderNotFound)
