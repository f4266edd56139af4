"""The purchase saga, from the chosen seats to the tickets.

hold seats → open order → announce hold → wait for `pay` → charge wallet → **sell seats** → confirm order.

Too few credits, or a missing one-time code of a flagged fan, lead back to the wait: the hold goes on, and the fan can pay
again. Every other failure unwinds: the charge is refunded, the order ends, the seats are free.

The order, its hold and the saga share one id.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from common.messaging.outbox import OutgoingMessage
from orchestrator.clients import Clients
from orchestrator.clients.models import Charge, Hold, SeatChoice
from orchestrator.errors import HoldExpired, OrderCancelled, OtpRequired
from orchestrator.features.purchases.schemas import TicketCode
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish, undoable, wait
from rabbitmq.topology import HOLD_EXCHANGE, hold_queue_name

__all__ = ["CHARGE_WALLET", "OPEN_ORDER", "PAY", "PURCHASE", "Purchase", "purchase_plan"]

PURCHASE: Final = "purchase"
PAY: Final = "pay"
OPEN_ORDER: Final = "open order"
CHARGE_WALLET: Final = "charge wallet"
RETRYABLE_REFUSALS: Final = ("INSUFFICIENT_CREDITS", OtpRequired.code)


class Purchase(SagaData):
    """The saga's data: `hold` is set once seats are held, `charge` once they are paid, `tickets` at the end."""

    user_id: uuid.UUID
    event_id: uuid.UUID
    hall_id: str
    choice: SeatChoice
    hold: Hold | None = None
    charge: Charge | None = None
    tickets: tuple[TicketCode, ...] = ()

    @property
    def order_id(self) -> uuid.UUID:
        return self.saga_id

    @property
    def existing_hold(self) -> Hold:
        """The hold, for steps after it was made."""
        if self.hold is None:
            raise RuntimeError(f"purchase {self.saga_id} has no hold yet")
        return self.hold


def purchase_plan(
    clients: Clients,
    *,
    qr: QrCodec,
    hold_ttl_seconds: float,
) -> Plan[Purchase]:
    steps = PurchaseSteps(clients, qr, hold_queue_name(round(hold_ttl_seconds * 1000)))
    return Plan(
        PURCHASE,
        Purchase,
        undoable("hold seats", steps.hold_seats, steps.release_seats, lapses=True),
        undoable(OPEN_ORDER, steps.open_order, steps.end_order),
        publish("announce hold", steps.hold_message),
        wait(PAY, deadline=lambda purchase: purchase.existing_hold.held_until, expired=HoldExpired),
        undoable(CHARGE_WALLET, steps.charge_wallet, steps.refund_wallet, back_to_wait_on=RETRYABLE_REFUSALS),
        pivot("sell seats", steps.sell_seats),
        must_finish("confirm order", steps.confirm_order),
        publish("announce sale", confirmed_message),
        on_unwound=failed_message,
    )


@dataclass(frozen=True, slots=True)
class PurchaseSteps:
    """The purchase's actions and undos, in the plan's order."""

    clients: Clients
    qr: QrCodec
    hold_queue: str

    async def hold_seats(self, purchase: Purchase, call: Call) -> Purchase:
        hold = await self.clients.inventory.reserve(
            call,
            hold_id=purchase.order_id,
            event_id=purchase.event_id,
            user_id=purchase.user_id,
            choice=purchase.choice,
        )
        # The hold has another id if the fan holds these seats already, by an earlier purchase. With that id, the engine
        # finds the earlier purchase's saga and returns it; this saga is not stored.
        return purchase.model_copy(update={"saga_id": hold.hold_id, "hold": hold})

    async def release_seats(self, purchase: Purchase, call: Call) -> None:
        is_cancelled = call.reason == OrderCancelled.code
        await self.clients.inventory.release_hold(
            call, hold_id=purchase.existing_hold.hold_id, is_cancelled=is_cancelled
        )

    async def open_order(self, purchase: Purchase, call: Call) -> Purchase:
        await self.clients.orders.open(
            call,
            order_id=purchase.order_id,
            user_id=purchase.user_id,
            event_id=purchase.event_id,
            hold=purchase.existing_hold,
        )
        return purchase

    async def end_order(self, purchase: Purchase, call: Call) -> None:
        status = "CANCELLED" if call.reason == OrderCancelled.code else "FAILED"
        await self.clients.orders.end(call, order_id=purchase.order_id, status=status)

    def hold_message(self, purchase: Purchase) -> OutgoingMessage:
        """Return a message that waits in the broker until the hold expires; then it frees the seats."""
        more = {"hold_id": str(purchase.order_id), "held_until": purchase.existing_hold.held_until}
        return announcement(
            "seat.hold",
            subject=purchase.order_id,
            data=facts_of(purchase) | more,
            exchange=HOLD_EXCHANGE,
            routing_key=self.hold_queue,
        )

    async def charge_wallet(self, purchase: Purchase, call: Call) -> Purchase:
        charge = await self.clients.ledger.charge(
            call,
            user_id=purchase.user_id,
            event_id=purchase.event_id,
            amount=purchase.existing_hold.total,
            reference=purchase.order_id,
        )
        return purchase.model_copy(update={"charge": charge})

    async def refund_wallet(self, _: Purchase, call: Call) -> None:
        await self.clients.ledger.refund(call)

    async def sell_seats(self, purchase: Purchase, call: Call) -> Purchase:
        await self.clients.inventory.confirm_hold(
            call, hold_id=purchase.existing_hold.hold_id, user_id=purchase.user_id
        )
        return purchase

    async def confirm_order(self, purchase: Purchase, call: Call) -> Purchase:
        await self.clients.orders.confirm(call, order_id=purchase.order_id)
        tickets = tuple(self._ticket_code(purchase, seat.seat_id) for seat in purchase.existing_hold.seats)
        return purchase.model_copy(update={"tickets": tickets})

    def _ticket_code(self, purchase: Purchase, seat_id: uuid.UUID) -> TicketCode:
        issued = self.qr.issue(
            seat_id=seat_id, user_id=purchase.user_id, event_id=purchase.event_id, hall_id=purchase.hall_id
        )
        return TicketCode(seat_id=seat_id, qr_payload=issued.payload)


def confirmed_message(purchase: Purchase) -> OutgoingMessage:
    return announcement("order.confirmed", subject=purchase.order_id, data=facts_of(purchase))


def failed_message(purchase: Purchase, reason: str) -> OutgoingMessage:
    message_type = "order.cancelled" if reason == OrderCancelled.code else "order.failed"
    return announcement(message_type, subject=purchase.order_id, data=facts_of(purchase) | {"reason": reason})


def facts_of(purchase: Purchase) -> dict[str, object]:
    """Return the data that every message about a purchase has."""
    return {
        "order_id": str(purchase.order_id),
        "event_id": str(purchase.event_id),
        "user_id": str(purchase.user_id),
        "seat_ids": [str(seat.seat_id) for seat in purchase.existing_hold.seats],
        "total": f"{purchase.existing_hold.total:.2f}",
    }
