"""Messages of the users service about payments of orders that wait for them."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import BaseModel, ValidationError

from common.messaging.message import InvalidMessage, Message
from orchestrator.clients.users.payments import Purpose
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["PaidOrders", "PaymentHandler"]

CONFIRMED: Final = "payment.confirmed"
EXPIRED: Final = "EXPIRED"


class PaidOrders(Protocol):
    """Orders that wait for their payments. Neither method changes an order that does not wait for its payment."""

    async def pay(self, order_id: uuid.UUID) -> None:
        """Continue an order whose payment is in its buyer's wallet.

        Raises:
            Unavailable: the order is being opened; its wait begins in a moment.
            StillRunning: it continues in the background.
        """

    async def end_unpaid(self, order_id: uuid.UUID) -> None:
        """End an order whose payment has expired. Raises as `pay`."""


class DecidedPayment(BaseModel):
    """What `payment.confirmed` and `payment.failed` say. `reference` is the order's id if the payment is one of an order."""

    purpose: str
    reference: str
    status: str


@dataclass(frozen=True, slots=True)
class PaymentHandler:
    """Handles `payment.confirmed` and `payment.failed`. A repeated or late message finds no order that waits for it.

    Args:
        purpose: of the payments that concern these orders; others are ignored.
    """

    purpose: Purpose
    orders: PaidOrders

    async def handle(self, message: Message) -> None:
        """Go on with a paid order, or end one whose payment has expired. A failed attempt may be followed by another.

        Raises:
            InvalidMessage: the message names no payment, or no order.
            Unavailable: the order is being opened; the message is retried.
        """
        try:
            payment = DecidedPayment.model_validate(message.data)
            if payment.purpose != self.purpose:
                return
            order_id = uuid.UUID(payment.reference)
        except (ValidationError, ValueError) as error:
            raise InvalidMessage(reason=repr(error)) from error
        with suppress(StillRunning):
            if message.type == CONFIRMED:
                await self.orders.pay(order_id)
            elif payment.status == EXPIRED:
                await self.orders.end_unpaid(order_id)
