"""The refund saga of some or all seats of an order: begin refund → **take seats back** → pay back → return premiums → refund order.

Each seat's price goes to its ticket's present owner, who loses the ticket
(docs/adr/0009-refunds-go-to-the-ticket-holder.md). An owner who had paid more gets the difference from the ticket's
sellers, unless the refund is the owner's own wish (docs/adr/0018-premiums-are-taken-back-from-sellers.md). A disputed
ticket blocks its refund, and from `begin refund` on it cannot be disputed.

The previous release refunded whole orders only, by a saga of another kind, whose plan is kept for the sagas that are
stored, and for those that the previous release starts during a deployment.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from common.errors import Conflict
from common.messaging.outbox import OutgoingMessage
from orchestrator.clients import Clients
from orchestrator.clients.models import ReturnedSeat
from orchestrator.clients.orders.orders import OwnerChange
from orchestrator.features.refunds.models import Premium, premiums_of
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish, undoable

__all__ = ["REFUND_ORDER", "REFUND_SEATS", "Refund", "refund_order_plan", "refund_seats_plan"]

REFUND_SEATS: Final = "refund seats"
REFUND_ORDER: Final = "refund"  # of the previous release


class Refund(SagaData):
    """The saga's data. `seats` are set once they are reclaimed, `premiums` once they are known.

    Sagas of the previous release have no `seat_ids`. `is_forced` reclaims used and transferred tickets, too.
    `buyer_user_id` is the present owner, if another fan than the buyer refunds their own tickets.
    """

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    order_id: uuid.UUID
    event_id: uuid.UUID
    buyer_user_id: uuid.UUID
    charge_request_id: uuid.UUID
    reason: str
    is_forced: bool = False
    event_is_cancelled: bool = Field(default=False, alias="event_is_off")  # the name in stored sagas
    seat_ids: tuple[uuid.UUID, ...] = ()
    seats: tuple[ReturnedSeat, ...] = ()
    premiums: tuple[Premium, ...] | None = None
    order_status: Literal["CONFIRMED", "REFUNDED"] = "REFUNDED"

    @property
    def shares(self) -> Mapping[uuid.UUID, Decimal]:
        """The refunded part of the charge by user."""
        return _sums((seat.owner_user_id, seat.price) for seat in self.seats)

    @property
    def known_premiums(self) -> tuple[Premium, ...]:
        return self.premiums or ()

    @property
    def credits_returned(self) -> Mapping[uuid.UUID, Decimal]:
        """What each owner gets: the shares and the premiums."""
        premiums = ((premium.owner_user_id, premium.amount) for premium in self.known_premiums)
        return _sums([*self.shares.items(), *premiums])

    @property
    def are_premiums_returned(self) -> bool:
        return self.premiums is not None and all(premium.is_returned for premium in self.premiums)


def refund_seats_plan(clients: Clients) -> Plan[Refund]:
    steps = RefundSteps(clients)
    return Plan(
        REFUND_SEATS,
        Refund,
        undoable("begin refund", steps.begin_refund, steps.abandon_refund),
        pivot("take seats back", steps.take_seats_back),
        must_finish("pay back", steps.pay_back),
        must_finish("return premiums", steps.return_premiums, until=lambda refund: refund.are_premiums_returned),
        must_finish("refund order", steps.refund_order),
        publish("announce refund", refunded_message),
    )


def refund_order_plan(clients: Clients) -> Plan[Refund]:
    """Return the plan of the previous release."""
    steps = RefundSteps(clients)
    return Plan(
        REFUND_ORDER,
        Refund,
        undoable("begin refund", steps.begin_refund, steps.abandon_refund),
        pivot("take seats back", steps.take_seats_back),
        must_finish("pay back", steps.pay_back),
        must_finish("refund order", steps.refund_order),
        publish("announce refund", refunded_message),
    )


@dataclass(frozen=True, slots=True)
class RefundSteps:
    """The actions of both plans and their undo, in the plans' order."""

    clients: Clients

    async def begin_refund(self, refund: Refund, call: Call) -> Refund:
        await self.clients.orders.begin_refund(call, order_id=refund.order_id, seat_ids=refund.seat_ids)
        return refund

    async def abandon_refund(self, refund: Refund, call: Call) -> None:
        await self.clients.orders.abandon_refund(call, order_id=refund.order_id)

    async def take_seats_back(self, refund: Refund, call: Call) -> Refund:
        seats = await self.clients.inventory.reclaim(
            call,
            order_id=refund.order_id,
            buyer_user_id=refund.buyer_user_id,
            is_forced=refund.is_forced,
            seat_ids=refund.seat_ids,
        )
        return refund.model_copy(update={"seats": seats})

    async def pay_back(self, refund: Refund, call: Call) -> Refund:
        ledger, charge, reason = self.clients.ledger, refund.charge_request_id, refund.reason
        if refund.seat_ids:
            await ledger.refund_part(call, charge_request_id=charge, shares=refund.shares, reason=reason)
        else:
            await ledger.refund_to(call, charge_request_id=charge, recipients=refund.shares, reason=reason)
        return refund

    async def return_premiums(self, refund: Refund, call: Call) -> Refund:
        """Find the premiums; afterwards, return one of them with each call."""
        if refund.premiums is None:
            return refund.model_copy(update={"premiums": await self._premiums_of(refund)})
        due = next((premium for premium in refund.premiums if not premium.is_returned), None)
        if due is None:
            return refund
        request_id = uuid.uuid5(call.request_id, f"{due.seat_id} {due.seller_user_id}")
        shortfall = await self.clients.ledger.claw_back(
            replace(call, request_id=request_id),
            from_user_id=due.seller_user_id,
            to_user_id=due.owner_user_id,
            amount=due.amount,
            reference=refund.saga_id,
        )
        returned = due.model_copy(update={"shortfall": shortfall})
        premiums = tuple(returned if premium is due else premium for premium in refund.premiums)
        return refund.model_copy(update={"premiums": premiums})

    async def refund_order(self, refund: Refund, call: Call) -> Refund:
        status = await self.clients.orders.refund(
            call, order_id=refund.order_id, reason=refund.reason, seat_ids=refund.seat_ids
        )
        return refund.model_copy(update={"order_status": status})

    async def _premiums_of(self, refund: Refund) -> tuple[Premium, ...]:
        bought_dearer = [seat for seat in refund.seats if seat.premium] if refund.is_forced else []
        if not bought_dearer:
            return ()
        changes = await self.clients.orders.owner_changes(refund.order_id)
        return tuple(premium for seat in bought_dearer for premium in premiums_of(seat, _changes_of(seat, changes)))


def _changes_of(seat: ReturnedSeat, changes: list[OwnerChange]) -> list[OwnerChange]:
    """Return the changes of a ticket's owner.

    Raises:
        Conflict: the last one is not completed yet. Its saga is past its pivot, so it will be. This counts as a failure: if
            that saga is stuck, so is this one.
    """
    own = [change for change in changes if change.seat_id == seat.seat_id]
    if not own or (own[-1].buyer_user_id, own[-1].price) != (seat.owner_user_id, seat.price_paid):
        raise Conflict(code="TRANSFER_IN_PROGRESS", seat_id=seat.seat_id)
    return own


def _sums(amounts: Iterable[tuple[uuid.UUID, Decimal]]) -> Mapping[uuid.UUID, Decimal]:
    sums: defaultdict[uuid.UUID, Decimal] = defaultdict(lambda: Decimal("0.00"))
    for user_id, amount in amounts:
        sums[user_id] += amount
    return sums


def refunded_message(refund: Refund) -> OutgoingMessage:
    facts = {
        "order_id": str(refund.order_id),
        "event_id": str(refund.event_id),
        "user_id": str(refund.buyer_user_id),
        "seat_ids": [str(seat.seat_id) for seat in refund.seats],
        "shares": {str(user_id): f"{amount:.2f}" for user_id, amount in refund.credits_returned.items()},
        "event_is_off": refund.event_is_cancelled,
        "views": {str(user_id): _view(refund, user_id) for user_id in _parties(refund)},
    }
    return announcement("order.refunded", subject=refund.order_id, data=facts)


def _parties(refund: Refund) -> set[uuid.UUID]:
    return {refund.buyer_user_id, *refund.shares, *(premium.seller_user_id for premium in refund.known_premiums)}


def _view(refund: Refund, user_id: uuid.UUID) -> dict[str, Any]:
    """Return what one user is told: their own seats and amounts, and the order only if it is theirs."""
    view: dict[str, Any] = {"event_id": str(refund.event_id), "event_is_off": refund.event_is_cancelled}
    if user_id == refund.buyer_user_id:
        view |= {"order_id": str(refund.order_id), "user_id": str(user_id)}
    view["seat_ids"] = [str(seat.seat_id) for seat in refund.seats if seat.owner_user_id == user_id]
    if user_id in refund.shares:
        view["amount"] = f"{refund.credits_returned[user_id]:.2f}"
    if sold := [premium for premium in refund.known_premiums if premium.seller_user_id == user_id]:
        view["sold_seat_ids"] = [str(premium.seat_id) for premium in sold]
        view["premium_taken_back"] = f"{sum((premium.amount for premium in sold), Decimal('0.00')):.2f}"
    return view
