"""Refunds (T7): by the buyer within the event's refund window, by an admin or the event's organiser at any time.

While fans may refund because the event's date has moved, so may the present owner of a ticket that another fan bought. The
buyer of an order of a cancelled event may refund it, too.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from common.auth.principal import Principal, Role
from common.db.idempotency import fingerprint_of
from orchestrator.clients import Clients
from orchestrator.clients.events import EventFacts
from orchestrator.errors import NotYours, OrderInvalidState, OrderNotFound, RefundWindowClosed, SeatNotFound
from orchestrator.features.purchases.saga import CHARGE_WALLET, Purchase
from orchestrator.features.refunds.saga import REFUND_ORDER, REFUND_SEATS, Refund
from orchestrator.features.refunds.schemas import Refunded, RefundRequest
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.idempotency import find_previous_sagas, start_once
from orchestrator.saga_engine.outcomes import data_of, succeeded
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["RefundService", "refund_of"]

# Reasons that are stored with the order when the request names none.
REQUESTED_BY_OWNER: Final = "asked for by the fan"
GRANTED_BY_ADMIN: Final = "granted by an admin"
GRANTED_BY_ORGANISER: Final = "granted by the organiser"


@dataclass(frozen=True, slots=True)
class RefundService:
    engine: SagaEngine
    clients: Clients

    async def refund(
        self, order_id: uuid.UUID, request: RefundRequest, *, caller: Principal, key: str | None
    ) -> Refunded:
        """Take an order's tickets back, or some of them, and pay their price to their owners.

        Without `seat_ids`, every ticket of the order that is neither refunded nor disputed is taken back.

        Raises:
            NotFound: ORDER_NOT_FOUND; SEAT_NOT_FOUND, the order does not have the seat.
            Forbidden: another user's order; NOT_SEAT_OWNER, a ticket was transferred (who manages the event may refund it).
            Conflict: ORDER_INVALID_STATE, not paid, refunded, being refunded, or too late; SEAT_UNAVAILABLE, a ticket was
                used or is on sale; TRANSFER_INVALID_STATE, a ticket is disputed.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it exceeds the request's budget.
        """
        saga = await self._refund_of_previous_release(order_id, request, caller=caller, key=key)
        if saga is None:
            content = request.model_dump(mode="json", exclude_none=True)
            saga = await start_once(
                self.engine,
                REFUND_SEATS,
                lambda saga_id: self._refund(saga_id, order_id, request, caller),
                operation="refund",
                requested_by=caller.user_id,
                key=key,
                request={"order_id": order_id, **content},
            )
        return _refunded(succeeded(saga))

    async def _refund_of_previous_release(
        self, order_id: uuid.UUID, request: RefundRequest, *, caller: Principal, key: str | None
    ) -> SagaRecord | None:
        """Return the saga that the same request has started in the previous release, which named it after the order."""
        if key is None or request.seat_ids is not None:
            return None
        saga = (await find_previous_sagas(self.engine.log, uuid.uuid5(order_id, REFUND_ORDER))).accepted
        fingerprint = fingerprint_of({"order_id": order_id, "reason": request.reason, "key": key})
        is_same = saga is not None and (saga.requested_by, saga.fingerprint) == (caller.user_id, fingerprint)
        return saga if is_same else None

    async def _refund(
        self, saga_id: uuid.UUID, order_id: uuid.UUID, request: RefundRequest, caller: Principal
    ) -> Refund:
        purchase = await self.engine.log.find(order_id)
        if purchase is None or not isinstance(purchase.data, Purchase):
            raise OrderNotFound
        refund_for = partial(refund_of, self.engine, purchase, saga_id=saga_id)
        if caller.has_role(Role.ADMIN):
            refund = refund_for(reason=request.reason or GRANTED_BY_ADMIN, is_forced=True)
        elif (event := await self.clients.events.present_facts(purchase.data.event_id)).is_organised_by(caller):
            refund = refund_for(reason=request.reason or GRANTED_BY_ORGANISER, is_forced=True)
        else:
            await self._check_owner(purchase.data, request, event, user_id=caller.user_id)
            refund = refund_for(reason=request.reason or REQUESTED_BY_OWNER, is_forced=False)
            refund = _as_owner_may(refund, event).model_copy(update={"buyer_user_id": caller.user_id})
        seat_ids = await self._seats_to_refund(purchase.data, request.seat_ids)
        return refund.model_copy(update={"seat_ids": tuple(sorted(seat_ids))})

    async def _check_owner(
        self, bought: Purchase, request: RefundRequest, event: EventFacts, *, user_id: uuid.UUID
    ) -> None:
        """Admit the buyer of the order and, if the event's date has moved, the present owner of the named tickets of it.

        Raises:
            NotYours: neither.
        """
        if bought.user_id == user_id:
            return
        if request.seat_ids is None or not event.is_refundable_for_new_date:
            raise NotYours
        for seat_id in request.seat_ids:
            seat = await self.clients.inventory.seat(seat_id)
            if (seat.owner_user_id, seat.order_id) != (user_id, bought.order_id):
                raise NotYours

    async def _seats_to_refund(self, bought: Purchase, named: Collection[uuid.UUID] | None) -> Collection[uuid.UUID]:
        own = {seat.seat_id for seat in bought.existing_hold.seats}
        if named is None:
            # If no seat is refundable, the refusal of them all says why.
            return (await self.clients.orders.refundable_seats(bought.order_id)).seat_ids or own
        if unknown := set(named) - own:
            raise SeatNotFound(details={"seat_ids": sorted(map(str, unknown))})
        return named


def _as_owner_may(refund: Refund, event: EventFacts) -> Refund:
    """Return the refund of a cancelled event as its cancellation makes it; otherwise check the refund window.

    Raises:
        RefundWindowClosed: it is too late.
    """
    if event.is_cancelled:
        return refund.model_copy(update={"is_forced": True, "event_is_cancelled": True})
    is_too_late = datetime.now(UTC) + timedelta(hours=event.refund_deadline_hours) >= event.event_date
    if is_too_late and not event.is_refundable_for_new_date:
        raise RefundWindowClosed
    return refund


def refund_of(engine: SagaEngine, purchase: SagaRecord, *, saga_id: uuid.UUID, reason: str, is_forced: bool) -> Refund:
    """Return the refund of a purchase, without its seats.

    Raises:
        OrderInvalidState: it was not paid.
    """
    bought = data_of(purchase, Purchase, otherwise=OrderInvalidState)
    if purchase.state is not SagaState.COMPLETED:
        raise OrderInvalidState
    return Refund(
        saga_id=saga_id,
        order_id=bought.order_id,
        event_id=bought.event_id,
        buyer_user_id=bought.user_id,
        charge_request_id=engine.request_id_of(purchase, CHARGE_WALLET),
        reason=reason,
        is_forced=is_forced,
    )


def _refunded(saga: SagaRecord) -> Refunded:
    refund = data_of(saga, Refund, otherwise=OrderInvalidState)
    return Refunded(
        order_id=refund.order_id,
        status=refund.order_status,
        refunded_seat_ids=[seat.seat_id for seat in refund.seats],
        credits_returned=sum(refund.credits_returned.values(), start=Decimal("0.00")),
    )
