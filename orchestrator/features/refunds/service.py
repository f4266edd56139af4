"""Refunds (T7): by the fan inside the event's window, by an admin at any time."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.auth.principal import Principal, Role
from common.db.idempotency import fingerprint_of
from common.errors import Busy, Unavailable, Unprocessable
from orchestrator.clients.events import EventsClient
from orchestrator.errors import (
    NotYours,
    OrderInvalidState,
    OrderNotFound,
    RefundWindowClosed,
)
from orchestrator.features.purchases.saga import CHARGE_WALLET, Purchase
from orchestrator.features.refunds.saga import REFUND, Refund
from orchestrator.features.refunds.schemas import Refunded
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.outcomes import attempts, failure_of, succeeded, was_refused
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["RefundService", "first_refund_id", "refund_of"]

ASKED_FOR: Final = "asked for by the fan"
GRANTED: Final = "granted by an admin"


class RefundService:
    def __init__(self, engine: SagaEngine, events: EventsClient) -> None:
        self._engine = engine
        self._events = events

    async def refund(self, order_id: uuid.UUID, *, caller: Principal, reason: str, key: str | None) -> Refunded:
        """Take an order's tickets back and pay their price to whoever has them.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: somebody else's order; NOT_SEAT_OWNER, a ticket was handed over (an admin may all the same).
            Conflict: ORDER_INVALID_STATE, not paid, or too late; SEAT_UNAVAILABLE, a ticket was used or is on sale;
                TRANSFER_INVALID_STATE, a ticket is disputed.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Busy: REQUEST_IN_PROGRESS, somebody else has just asked for the same.
            StillRunning: it takes longer than the request may.
        """
        is_admin = caller.has_role(Role.ADMIN)
        purchase = await self._paid_purchase(order_id, caller)
        fingerprint = fingerprint_of({"order_id": order_id, "reason": reason, "key": key})
        if key and (earlier := await self._refusal_of(key, caller_id=caller.user_id)) is not None:
            if earlier.fingerprint != fingerprint:
                raise Unprocessable
            raise failure_of(earlier)
        tried = await attempts(self._engine, first_refund_id(order_id))
        if tried.done is not None:
            return _refunded_before(tried.done, caller_id=caller.user_id, fingerprint=fingerprint if key else None)
        if key and tried.refused is not None and was_refused(tried.refused):
            _refuse_again(tried.refused, caller_id=caller.user_id, fingerprint=fingerprint)
        if not is_admin:
            await self._check_window(purchase.event_id)
        refund = purchase.model_copy(
            update={
                "saga_id": tried.next_id,
                "reason": reason or (GRANTED if is_admin else ASKED_FOR),
                "is_forced": is_admin,
            }
        )
        try:
            saga = await self._engine.start(REFUND, refund, requested_by=caller.user_id, fingerprint=fingerprint)
        except Unavailable as error:
            # Somebody else has just begun the same one.
            if (await attempts(self._engine, first_refund_id(order_id))).done is None:
                raise
            raise Busy(retry_after_seconds=1) from error
        if key and saga.state is SagaState.UNWOUND and was_refused(saga):
            await self._engine.note_key(requested_by=caller.user_id, operation=REFUND, key=key, saga_id=saga.saga_id)
        return _refunded(succeeded(saga))

    async def _refusal_of(self, key: str, *, caller_id: uuid.UUID) -> SagaRecord | None:
        """Return the refund that was refused under this key: its sender has read the answer, so it stays refused."""
        use = await self._engine.key_use(signalled_by=caller_id, signal=REFUND, key=key)
        return None if use is None else await self._engine.find(use[0])

    async def _paid_purchase(self, order_id: uuid.UUID, caller: Principal) -> Refund:
        purchase = await self._engine.find(order_id)
        if purchase is None or not isinstance(purchase.data, Purchase):
            raise OrderNotFound
        if not caller.may_act_for(purchase.data.user_id):
            raise NotYours
        return refund_of(self._engine, purchase)

    async def _check_window(self, event_id: uuid.UUID) -> None:
        event = await self._events.facts(event_id)
        if datetime.now(UTC) >= event.event_date - timedelta(hours=event.refund_deadline_hours):
            raise RefundWindowClosed


def first_refund_id(order_id: uuid.UUID) -> uuid.UUID:
    """Return the id under which an order's refund is tried first: whoever asks for it, there is one."""
    return uuid.uuid5(order_id, REFUND)


def refund_of(engine: SagaEngine, purchase: SagaRecord) -> Refund:
    """Return the refund of a purchase, for the saga's first attempt.

    Raises:
        OrderInvalidState: it was not paid.
    """
    bought = purchase.data
    if not isinstance(bought, Purchase) or purchase.state is not SagaState.COMPLETED:
        raise OrderInvalidState
    return Refund(
        saga_id=first_refund_id(bought.order_id),
        order_id=bought.order_id,
        event_id=bought.event_id,
        buyer_user_id=bought.user_id,
        charge_request_id=engine.request_id_of(purchase, CHARGE_WALLET),
        reason="",
    )


def _refunded_before(saga: SagaRecord, *, caller_id: uuid.UUID, fingerprint: str | None) -> Refunded:
    """Answer a repeated request as the first one; tell any other that the order is given back already."""
    if saga.state is not SagaState.COMPLETED:
        raise StillRunning(saga.saga_id)
    if (saga.requested_by, saga.fingerprint) != (caller_id, fingerprint):
        raise OrderInvalidState(details={"status": "REFUNDED"})
    return _refunded(saga)


def _refuse_again(saga: SagaRecord, *, caller_id: uuid.UUID, fingerprint: str) -> None:
    """Refuse a request whose first answer was that it takes longer than it may, and which was refused since."""
    if (saga.requested_by, saga.fingerprint) == (caller_id, fingerprint):
        raise failure_of(saga)


def _refunded(saga: SagaRecord) -> Refunded:
    refund = saga.data
    if not isinstance(refund, Refund):
        raise OrderInvalidState
    return Refunded(order_id=refund.order_id, credits_returned=sum(refund.shares.values(), start=Decimal("0.00")))
