"""The refund saga of an order: begin refund → **take seats back** → pay back → refund order.

Each seat's price goes to its ticket's present owner, who loses the ticket
(docs/adr/0009-refunds-go-to-the-ticket-holder.md). A disputed ticket blocks the refund, and from `begin refund` on no
ticket of the order can be disputed.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydantic import ConfigDict, Field

from common.messaging.outbox import OutgoingMessage
from orchestrator.clients import Clients
from orchestrator.clients.models import ReturnedSeat
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish, undoable

__all__ = ["REFUND", "Refund", "refund_plan"]

REFUND: Final = "refund"


class Refund(SagaData):
    """The saga's data. `seats` are set once they are reclaimed.

    `is_forced` reclaims used and transferred tickets, too.
    """

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    order_id: uuid.UUID
    event_id: uuid.UUID
    buyer_user_id: uuid.UUID
    charge_request_id: uuid.UUID
    reason: str
    is_forced: bool = False
    event_is_cancelled: bool = Field(default=False, alias="event_is_off")  # the name in stored sagas
    seats: tuple[ReturnedSeat, ...] = ()

    @property
    def shares(self) -> Mapping[uuid.UUID, Decimal]:
        """The refunded amount by user."""
        shares: defaultdict[uuid.UUID, Decimal] = defaultdict(lambda: Decimal("0.00"))
        for seat in self.seats:
            shares[seat.owner_user_id] += seat.price
        return shares


def refund_plan(clients: Clients) -> Plan[Refund]:
    steps = RefundSteps(clients)
    return Plan(
        REFUND,
        Refund,
        undoable("begin refund", steps.begin_refund, steps.abandon_refund),
        pivot("take seats back", steps.take_seats_back),
        must_finish("pay back", steps.pay_back),
        must_finish("refund order", steps.refund_order),
        publish("announce refund", refunded_message),
    )


@dataclass(frozen=True, slots=True)
class RefundSteps:
    """The refund's actions and undo, in the plan's order."""

    clients: Clients

    async def begin_refund(self, refund: Refund, call: Call) -> Refund:
        await self.clients.orders.begin_refund(call, order_id=refund.order_id)
        return refund

    async def abandon_refund(self, refund: Refund, call: Call) -> None:
        await self.clients.orders.abandon_refund(call, order_id=refund.order_id)

    async def take_seats_back(self, refund: Refund, call: Call) -> Refund:
        seats = await self.clients.inventory.reclaim(
            call, order_id=refund.order_id, buyer_user_id=refund.buyer_user_id, is_forced=refund.is_forced
        )
        return refund.model_copy(update={"seats": seats})

    async def pay_back(self, refund: Refund, call: Call) -> Refund:
        await self.clients.ledger.refund_to(
            call, charge_request_id=refund.charge_request_id, recipients=refund.shares, reason=refund.reason
        )
        return refund

    async def refund_order(self, refund: Refund, call: Call) -> Refund:
        await self.clients.orders.refund(call, order_id=refund.order_id, reason=refund.reason)
        return refund


def refunded_message(refund: Refund) -> OutgoingMessage:
    facts = {
        "order_id": str(refund.order_id),
        "event_id": str(refund.event_id),
        "user_id": str(refund.buyer_user_id),
        "seat_ids": [str(seat.seat_id) for seat in refund.seats],
        "shares": {str(user_id): f"{amount:.2f}" for user_id, amount in refund.shares.items()},
        "event_is_off": refund.event_is_cancelled,
    }
    return announcement("order.refunded", subject=refund.order_id, data=facts)
