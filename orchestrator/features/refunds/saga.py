"""An order given back: begin refund → **take seats back** → pay back → refund order.

Each seat's price goes to whoever has its ticket now: it is their evening that does not take place
(docs/adr/0009-refunds-go-to-the-ticket-holder.md). While it is disputed who that is, nothing is given back, and from the
beginning of a refund on nobody disputes it.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from common.messaging.message import Message
from common.messaging.topology import MESSAGES_EXCHANGE
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.models import ReturnedSeat
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.users.ledger import LedgerClient
from orchestrator.saga_engine.plan import (
    DEFAULT_STEP_TIMEOUT_SECONDS,
    Call,
    OutgoingMessage,
    Plan,
    SagaData,
    must_finish,
    pivot,
    publish,
    undoable,
)

__all__ = ["REFUND", "Refund", "refund_plan"]

REFUND: Final = "refund"
SOURCE: Final = "orchestrator"


class Refund(SagaData):
    """What the saga knows. `seats` are there once they were taken back.

    `is_forced` takes back what was used or handed over, too; `event_is_off` says that the event will not take place.
    """

    order_id: uuid.UUID
    event_id: uuid.UUID
    buyer_user_id: uuid.UUID
    charge_request_id: uuid.UUID
    reason: str
    is_forced: bool = False
    event_is_off: bool = False
    seats: tuple[ReturnedSeat, ...] = ()

    @property
    def shares(self) -> Mapping[uuid.UUID, Decimal]:
        """Who gets how much."""
        shares: defaultdict[uuid.UUID, Decimal] = defaultdict(lambda: Decimal("0.00"))
        for seat in self.seats:
            shares[seat.owner_user_id] += seat.price
        return shares


def refund_plan(
    *,
    inventory: InventoryClient,
    ledger: LedgerClient,
    orders: OrdersClient,
    step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
) -> Plan[Refund]:
    """Return the story of a refund."""
    steps = RefundSteps(inventory=inventory, ledger=ledger, orders=orders)
    return Plan(
        REFUND,
        Refund,
        undoable("begin refund", steps.begin_refund, steps.abandon_refund),
        pivot("take seats back", steps.take_seats_back),
        must_finish("pay back", steps.pay_back),
        must_finish("refund order", steps.refund_order),
        publish("announce refund", refunded_message),
        step_timeout_seconds=step_timeout_seconds,
    )


class RefundSteps:
    """The refund's actions and undo, in the order of the story."""

    def __init__(self, *, inventory: InventoryClient, ledger: LedgerClient, orders: OrdersClient) -> None:
        self._inventory = inventory
        self._ledger = ledger
        self._orders = orders

    async def begin_refund(self, refund: Refund, call: Call) -> Refund:
        await self._orders.begin_refund(call, order_id=refund.order_id)
        return refund

    async def abandon_refund(self, refund: Refund, call: Call) -> None:
        await self._orders.abandon_refund(call, order_id=refund.order_id)

    async def take_seats_back(self, refund: Refund, call: Call) -> Refund:
        seats = await self._inventory.reclaim(
            call, order_id=refund.order_id, buyer_user_id=refund.buyer_user_id, is_forced=refund.is_forced
        )
        return refund.model_copy(update={"seats": seats})

    async def pay_back(self, refund: Refund, call: Call) -> Refund:
        await self._ledger.pay_back(
            call, charge_request_id=refund.charge_request_id, recipients=refund.shares, reason=refund.reason
        )
        return refund

    async def refund_order(self, refund: Refund, call: Call) -> Refund:
        await self._orders.refund(call, order_id=refund.order_id, reason=refund.reason)
        return refund


def refunded_message(refund: Refund) -> OutgoingMessage:
    facts = {
        "order_id": str(refund.order_id),
        "event_id": str(refund.event_id),
        "user_id": str(refund.buyer_user_id),
        "seat_ids": [str(seat.seat_id) for seat in refund.seats],
        "shares": {str(user_id): f"{amount:.2f}" for user_id, amount in refund.shares.items()},
        "event_is_off": refund.event_is_off,
    }
    message = Message(type="order.refunded", source=SOURCE, subject=str(refund.order_id), data=facts)
    return OutgoingMessage(message, MESSAGES_EXCHANGE, "order.refunded")
