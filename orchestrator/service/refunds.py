"""Refunds (T7): by the fan inside the event's window, by an admin at any time."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.auth.principal import Principal, Role
from common.db.requests import fingerprint_of
from orchestrator.clients.events import EventsRegister
from orchestrator.clients.orders import OrdersBook
from orchestrator.engine.engine import SagaEngine
from orchestrator.engine.record import SagaRecord, SagaState
from orchestrator.errors import NotYours, OrderInvalidState, OrderNotFound, RefundWindowClosed
from orchestrator.sagas.purchase import Purchase
from orchestrator.sagas.refund import REFUND, Refund
from orchestrator.schemas.refunds import Refunded
from orchestrator.service.outcomes import earlier, saga_id_of, succeeded

__all__ = ["RefundDesk", "refund_of"]

ASKED_FOR: Final = "asked for by the fan"
GRANTED: Final = "granted by an admin"


class RefundDesk:
    def __init__(self, engine: SagaEngine, orders: OrdersBook, events: EventsRegister) -> None:
        self._engine = engine
        self._orders = orders
        self._events = events

    async def refund(self, order_id: uuid.UUID, *, caller: Principal, reason: str, key: str | None) -> Refunded:
        """Take an order's tickets back and pay their price to whoever has them.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: somebody else's order; NOT_SEAT_OWNER, a ticket was handed over (an admin may all the same).
            Conflict: ORDER_INVALID_STATE, not paid, or too late; SEAT_UNAVAILABLE, a ticket was used or is on sale.
            StillRunning: it takes longer than the request may.
        """
        is_admin = caller.has_role(Role.ADMIN)
        saga_id = saga_id_of("refund", user_id=caller.user_id, key=key)
        fingerprint = fingerprint_of({"order_id": order_id, "reason": reason})
        if saga := await earlier(self._engine, saga_id, key=key, fingerprint=fingerprint):
            return _refunded(succeeded(saga))
        purchase = await self._engine.find(order_id)
        if purchase is None or not isinstance(purchase.data, Purchase):
            raise OrderNotFound
        if not caller.may_act_for(purchase.data.user_id):
            raise NotYours
        if not is_admin:
            await self._check_window(purchase.data.event_id)
        await self._check_status(order_id)
        refund = refund_of(
            purchase, saga_id=saga_id, reason=reason or (GRANTED if is_admin else ASKED_FOR), is_forced=is_admin
        )
        saga = await self._engine.start(REFUND, refund, requested_by=caller.user_id, fingerprint=fingerprint)
        return _refunded(succeeded(saga))

    async def _check_window(self, event_id: uuid.UUID) -> None:
        event = await self._events.facts(event_id)
        if datetime.now(UTC) >= event.event_date - timedelta(hours=event.refund_deadline_hours):
            raise RefundWindowClosed

    async def _check_status(self, order_id: uuid.UUID) -> None:
        order = await self._orders.find(order_id)
        if order.status != "CONFIRMED":
            raise OrderInvalidState(details={"status": order.status})


def refund_of(purchase: SagaRecord, *, saga_id: uuid.UUID, reason: str, is_forced: bool) -> Refund:
    """Return the refund of a purchase that was paid.

    Raises:
        OrderInvalidState: it was not.
    """
    bought = purchase.data
    if (
        not isinstance(bought, Purchase)
        or purchase.state is not SagaState.COMPLETED
        or bought.charge_request_id is None
    ):
        raise OrderInvalidState
    return Refund(
        saga_id=saga_id,
        order_id=bought.order_id,
        event_id=bought.event_id,
        buyer_user_id=bought.user_id,
        charge_request_id=bought.charge_request_id,
        reason=reason,
        is_forced=is_forced,
    )


def _refunded(saga: SagaRecord) -> Refunded:
    refund = saga.data
    if not isinstance(refund, Refund):
        raise OrderInvalidState
    return Refunded(order_id=refund.order_id, credits_returned=sum(refund.shares.values(), start=Decimal("0.00")))
