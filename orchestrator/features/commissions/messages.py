"""Messages of the users service about payments of orders."""

import uuid
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["PaymentHandler"]

CONFIRMED = "payment.confirmed"
EXPIRED = "EXPIRED"


class DecidedPayment(BaseModel):
    """What `payment.confirmed` and `payment.failed` say. `reference` is the order's id if the purpose is `commission`."""

    purpose: str
    reference: str
    status: str


@dataclass(frozen=True, slots=True)
class PaymentHandler:
    """Handles `payment.confirmed` and `payment.failed`. A repeated or late message finds no order that waits for it."""

    ordering: OrderingService

    async def handle(self, message: Message) -> None:
        """Go on with a paid order, or end one whose checkout has expired. A declined card may be followed by another.

        Raises:
            InvalidMessage: the message names no payment, or no order.
            Unavailable: the order is being opened; the message is retried.
        """
        try:
            payment = DecidedPayment.model_validate(message.data)
            if payment.purpose != "commission":
                return
            order_id = uuid.UUID(payment.reference)
        except (ValidationError, ValueError) as error:
            raise InvalidMessage(reason=repr(error)) from error
        with suppress(StillRunning):
            if message.type == CONFIRMED:
                await self.ordering.pay(order_id)
            elif payment.status == EXPIRED:
                await self.ordering.end_unpaid(order_id)
