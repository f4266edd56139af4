"""A purchase, from the first click on a seat to the ticket: one saga.

hold seats → open order → announce the hold → wait for `pay` → charge wallet → **sell seats** → confirm order.

Too few credits lead back to the wait: the hold goes on, and the fan can top up and pay again. So does a missing proof
that a flagged fan's phone is theirs. Every other failure unwinds: what was charged goes back, the order ends, the seats
are free.

The order, its hold and this saga share one id.
"""

import uuid
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from common.messaging.message import Message
from common.messaging.topology import MESSAGES_EXCHANGE
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.models import Charge, Hold, SeatChoice
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.users.ledger import LedgerClient
from orchestrator.errors import HoldExpired, OrderCancelled, OtpRequired
from orchestrator.features.tickets.adapters.qr_code import QrCodec
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
    wait,
)
from rabbitmq.topology import HOLD_EXCHANGE, hold_queue_name

__all__ = [
    "CHARGE_WALLET",
    "OPEN_ORDER",
    "PAY",
    "PURCHASE",
    "IssuedTicket",
    "Purchase",
    "PurchaseSteps",
    "purchase_plan",
]

PURCHASE: Final = "purchase"
PAY: Final = "pay"
OPEN_ORDER: Final = "open order"
CHARGE_WALLET: Final = "charge wallet"
SOURCE: Final = "orchestrator"
CAN_BE_PUT_RIGHT: Final = ("INSUFFICIENT_CREDITS", OtpRequired.code)


class IssuedTicket(BaseModel):
    """What opens the door: shown to the fan, refreshed every minute."""

    seat_id: uuid.UUID
    qr_payload: str


class Purchase(SagaData):
    """What the saga knows. `hold` is there once seats are held, `charge` once they are paid, `tickets` at the end."""

    user_id: uuid.UUID
    event_id: uuid.UUID
    hall_id: str
    choice: SeatChoice
    hold: Hold | None = None
    charge: Charge | None = None
    tickets: tuple[IssuedTicket, ...] = ()

    @property
    def order_id(self) -> uuid.UUID:
        return self.saga_id

    @property
    def held(self) -> Hold:
        """The hold, for steps that come after it was made."""
        if self.hold is None:
            raise RuntimeError(f"purchase {self.saga_id} has no hold yet")
        return self.hold


def purchase_plan(
    *,
    inventory: InventoryClient,
    orders: OrdersClient,
    ledger: LedgerClient,
    qr: QrCodec,
    hold_ttl_seconds: float,
    step_timeout_seconds: float = DEFAULT_STEP_TIMEOUT_SECONDS,
) -> Plan[Purchase]:
    """Return the story of a purchase."""
    steps = PurchaseSteps(inventory=inventory, orders=orders, ledger=ledger, qr=qr, hold_ttl_seconds=hold_ttl_seconds)
    return Plan(
        PURCHASE,
        Purchase,
        undoable("hold seats", steps.hold_seats, steps.release_seats, lapses=True),
        undoable(OPEN_ORDER, steps.open_order, steps.end_order),
        publish("announce hold", steps.hold_message),
        wait(PAY, deadline=hold_end, expired=HoldExpired),
        undoable(CHARGE_WALLET, steps.charge_wallet, steps.refund_wallet, back_to_wait_on=CAN_BE_PUT_RIGHT),
        pivot("sell seats", steps.sell_seats),
        must_finish("confirm order", steps.confirm_order),
        publish("announce sale", sale_message),
        on_unwound=failure_message,
        step_timeout_seconds=step_timeout_seconds,
    )


class PurchaseSteps:
    """The purchase's actions and undos, in the order of the story."""

    def __init__(
        self,
        *,
        inventory: InventoryClient,
        orders: OrdersClient,
        ledger: LedgerClient,
        qr: QrCodec,
        hold_ttl_seconds: float,
    ) -> None:
        self._inventory = inventory
        self._orders = orders
        self._ledger = ledger
        self._qr = qr
        self._hold_queue = hold_queue_name(round(hold_ttl_seconds * 1000))

    async def hold_seats(self, purchase: Purchase, call: Call) -> Purchase:
        hold = await self._inventory.hold(
            call,
            hold_id=purchase.order_id,
            event_id=purchase.event_id,
            user_id=purchase.user_id,
            choice=purchase.choice,
        )
        # Seats the fan holds already belong to the purchase that holds them; we go on with that one.
        return purchase.model_copy(update={"saga_id": hold.hold_id, "hold": hold})

    async def release_seats(self, purchase: Purchase, call: Call) -> None:
        await self._inventory.release(call, hold_id=purchase.held.hold_id)

    async def open_order(self, purchase: Purchase, call: Call) -> Purchase:
        await self._orders.open(
            call,
            order_id=purchase.order_id,
            user_id=purchase.user_id,
            event_id=purchase.event_id,
            hold=purchase.held,
        )
        return purchase

    async def end_order(self, purchase: Purchase, call: Call) -> None:
        status = "CANCELLED" if call.reason == OrderCancelled.code else "FAILED"
        await self._orders.end(call, order_id=purchase.order_id, status=status)

    def hold_message(self, purchase: Purchase) -> OutgoingMessage:
        """Waits in the broker for as long as the hold lasts, and then frees the seats."""
        message = Message(
            type="seat.hold",
            source=SOURCE,
            subject=str(purchase.order_id),
            data=facts_of(purchase) | {"hold_id": str(purchase.order_id), "held_until": purchase.held.held_until},
        )
        return OutgoingMessage(message, HOLD_EXCHANGE, self._hold_queue)

    async def charge_wallet(self, purchase: Purchase, call: Call) -> Purchase:
        charge = await self._ledger.charge(
            call,
            user_id=purchase.user_id,
            event_id=purchase.event_id,
            amount=purchase.held.total,
            reference=purchase.order_id,
        )
        return purchase.model_copy(update={"charge": charge})

    async def refund_wallet(self, _: Purchase, call: Call) -> None:
        await self._ledger.refund(call)

    async def sell_seats(self, purchase: Purchase, call: Call) -> Purchase:
        await self._inventory.sell(call, hold_id=purchase.held.hold_id, user_id=purchase.user_id)
        return purchase

    async def confirm_order(self, purchase: Purchase, call: Call) -> Purchase:
        await self._orders.confirm(call, order_id=purchase.order_id)
        return purchase.model_copy(update={"tickets": self._issue_tickets(purchase)})

    def _issue_tickets(self, purchase: Purchase) -> tuple[IssuedTicket, ...]:
        return tuple(
            IssuedTicket(
                seat_id=seat.seat_id,
                qr_payload=self._qr.issue(
                    seat_id=seat.seat_id,
                    user_id=purchase.user_id,
                    event_id=purchase.event_id,
                    hall_id=purchase.hall_id,
                ).payload,
            )
            for seat in purchase.held.seats
        )


def hold_end(purchase: Purchase) -> datetime:
    return purchase.held.held_until


def sale_message(purchase: Purchase) -> OutgoingMessage:
    return _fact("order.confirmed", purchase, {})


def failure_message(purchase: Purchase, reason: str) -> OutgoingMessage:
    kind = "order.cancelled" if reason == OrderCancelled.code else "order.failed"
    return _fact(kind, purchase, {"reason": reason})


def facts_of(purchase: Purchase) -> dict[str, object]:
    """Return what every message about a purchase tells."""
    return {
        "order_id": str(purchase.order_id),
        "event_id": str(purchase.event_id),
        "user_id": str(purchase.user_id),
        "seat_ids": [str(seat.seat_id) for seat in purchase.held.seats],
        "total": f"{purchase.held.total:.2f}",
    }


def _fact(message_type: str, purchase: Purchase, more: dict[str, object]) -> OutgoingMessage:
    message = Message(type=message_type, source=SOURCE, subject=str(purchase.order_id), data=facts_of(purchase) | more)
    return OutgoingMessage(message, MESSAGES_EXCHANGE, message_type)
