"""Refunds (T7): by the buyer within the event's refund window, by an admin at any time."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.auth.principal import Principal, Role
from common.db.idempotency import fingerprint_of
from common.errors import Busy, Unavailable, Unprocessable
from orchestrator.clients import Clients
from orchestrator.errors import NotYours, OrderInvalidState, OrderNotFound, RefundWindowClosed
from orchestrator.features.purchases.saga import CHARGE_WALLET, Purchase
from orchestrator.features.refunds.saga import REFUND, Refund
from orchestrator.features.refunds.schemas import Refunded
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import find_previous_sagas
from orchestrator.saga_engine.outcomes import data_of, failure_of, succeeded, was_refused
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["RefundService", "refund_of"]

# Reasons that are stored with the order when the request names none.
REQUESTED_BY_BUYER: Final = "asked for by the fan"
GRANTED_BY_ADMIN: Final = "granted by an admin"


@dataclass(frozen=True, slots=True)
class RefundService:
    engine: SagaEngine
    clients: Clients

    async def refund(self, order_id: uuid.UUID, *, caller: Principal, reason: str, key: str | None) -> Refunded:
        """Take an order's tickets back and pay their price to their owners.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order; NOT_SEAT_OWNER, a ticket was transferred (an admin may refund it).
            Conflict: ORDER_INVALID_STATE, not paid, or too late; SEAT_UNAVAILABLE, a ticket was used or is on sale;
                TRANSFER_INVALID_STATE, a ticket is disputed.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Busy: REQUEST_IN_PROGRESS, another request has just started the same refund.
            StillRunning: it exceeds the request's budget.
        """
        is_admin = caller.has_role(Role.ADMIN)
        request = _Request(caller.user_id, key, fingerprint_of({"order_id": order_id, "reason": reason, "key": key}))
        refund = await self._refund_of_order(order_id, caller)
        previous = await find_previous_sagas(self.engine.log, refund.saga_id)
        await self._refuse_again(request, previous.refused)
        if previous.accepted is not None:
            return _refunded_before(previous.accepted, request)
        if not is_admin:
            await self._check_window(refund.event_id)
        changes = {
            "saga_id": previous.next_id,
            "reason": reason or (GRANTED_BY_ADMIN if is_admin else REQUESTED_BY_BUYER),
            "is_forced": is_admin,
        }
        saga = await self._start(refund.model_copy(update=changes), request, first_id=refund.saga_id)
        return _refunded(succeeded(saga))

    async def _refuse_again(self, request: "_Request", last_refused: SagaRecord | None) -> None:
        """Raise the refusal that the request with this key got before, if there is one."""
        if request.key is None:
            return
        log = self.engine.log
        refused_id = await log.find_key_use(requested_by=request.caller_id, operation=REFUND, key=request.key)
        refused = None if refused_id is None else await log.find(refused_id)
        if refused is not None:
            raise failure_of(refused) if refused.fingerprint == request.fingerprint else Unprocessable()
        # The first answer was 202, and the saga was refused afterwards: no refusal is stored under the key.
        if last_refused is not None and was_refused(last_refused) and request.started(last_refused):
            raise failure_of(last_refused)

    async def _start(self, refund: Refund, request: "_Request", *, first_id: uuid.UUID) -> SagaRecord:
        """Start the saga. If it is refused, store that under the key for a repeated request."""
        try:
            saga = await self.engine.start(
                REFUND, refund, requested_by=request.caller_id, fingerprint=request.fingerprint
            )
        except Unavailable as error:
            if (await find_previous_sagas(self.engine.log, first_id)).accepted is None:
                raise
            raise Busy(retry_after_seconds=1) from error  # another request has just started the same refund
        if request.key is not None and saga.state is SagaState.UNWOUND and was_refused(saga):
            await self.engine.log.record_key(
                requested_by=request.caller_id, operation=REFUND, key=request.key, saga_id=saga.saga_id
            )
        return saga

    async def _refund_of_order(self, order_id: uuid.UUID, caller: Principal) -> Refund:
        saga = await self.engine.log.find(order_id)
        if saga is None or not isinstance(saga.data, Purchase):
            raise OrderNotFound
        if not caller.may_act_for(saga.data.user_id):
            raise NotYours
        return refund_of(self.engine, saga)

    async def _check_window(self, event_id: uuid.UUID) -> None:
        event = await self.clients.events.facts(event_id)
        if datetime.now(UTC) >= event.event_date - timedelta(hours=event.refund_deadline_hours):
            raise RefundWindowClosed


def refund_of(engine: SagaEngine, purchase: SagaRecord) -> Refund:
    """Return the refund of a purchase, under the id of its first attempt: an order has one refund.

    Raises:
        OrderInvalidState: it was not paid.
    """
    bought = data_of(purchase, Purchase, otherwise=OrderInvalidState)
    if purchase.state is not SagaState.COMPLETED:
        raise OrderInvalidState
    return Refund(
        saga_id=uuid.uuid5(bought.order_id, REFUND),
        order_id=bought.order_id,
        event_id=bought.event_id,
        buyer_user_id=bought.user_id,
        charge_request_id=engine.request_id_of(purchase, CHARGE_WALLET),
        reason="",
    )


@dataclass(frozen=True, slots=True)
class _Request:
    caller_id: uuid.UUID
    key: str | None
    fingerprint: str

    def started(self, saga: SagaRecord) -> bool:
        """Return whether this request, which is repeated with its key, started the saga."""
        return self.key is not None and (saga.requested_by, saga.fingerprint) == (self.caller_id, self.fingerprint)


def _refunded_before(saga: SagaRecord, request: _Request) -> Refunded:
    """Return the first answer to a repeated request; refuse any other, because the order is refunded already."""
    if saga.state is not SagaState.COMPLETED:
        raise StillRunning(saga.saga_id)
    if not request.started(saga):
        raise OrderInvalidState(details={"status": "REFUNDED"})
    return _refunded(saga)


def _refunded(saga: SagaRecord) -> Refunded:
    refund = data_of(saga, Refund, otherwise=OrderInvalidState)
    return Refunded(order_id=refund.order_id, credits_returned=sum(refund.shares.values(), start=Decimal("0.00")))
