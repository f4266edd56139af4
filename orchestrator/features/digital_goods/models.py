"""What the saga and the jobs of digital goods store, and the names of their kinds and signals."""

import uuid
from datetime import datetime
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict

from orchestrator.clients.orders.digital_orders import NewDigitalOrder
from orchestrator.clients.users.payments import PaymentFacts
from orchestrator.saga_engine.plan import SagaData

# Kinds of sagas.
DIGITAL_ORDER: Final = "digital order"
DIGITAL_ORDER_BY_CRYPTO: Final = "digital order by crypto"

# Signals.
PAY: Final = "pay"
DELIVER: Final = "deliver"

KIND: Final = "fulfillment"
"""The kind of the jobs that reserve, and store what came. One runs per order at a time: the order's id is the lane."""


class PaymentInstructions(BaseModel):
    """How an order is paid: exactly `pay_amount` to `pay_address`, before `expires_at`.

    `payment_id` is that of `GET /api/payments/{payment_id}`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    payment_id: uuid.UUID | None = None
    pay_address: str
    pay_amount: str
    pay_currency: str
    expires_at: datetime | None

    @classmethod
    def of(cls, payment: PaymentFacts) -> Self:
        return cls.model_validate({**payment.details, "payment_id": payment.payment_id})


class DigitalOrderSaga(SagaData):
    """The data of a saga that sells digital goods; `saga_id` is the order's id.

    `pay_currency` and `payment_expires_at` are set for an order paid by crypto, `payment` once its address is known.
    `escrow_id` is set once the credits are held.
    """

    order: NewDigitalOrder
    proof_reference: uuid.UUID
    """What a flagged buyer verifies a code for (T6)."""
    expires_at: datetime
    """When an order that is not delivered by then is refunded."""
    pay_currency: str | None = None
    payment_expires_at: datetime | None = None
    payment: PaymentInstructions | None = None
    escrow_id: uuid.UUID | None = None


class Fulfil(BaseModel):
    """The payload of a job. `reserve`: its idempotency key is `reserve <order_id>`; `store`: `store <order_id>`."""

    model_config = ConfigDict(frozen=True)

    order_id: uuid.UUID
    type: Literal["reserve", "store"]


def payment_id_of(order_id: uuid.UUID) -> uuid.UUID:
    """Return the id of the payment of an order that is paid by crypto."""
    return uuid.uuid5(order_id, "payment")
