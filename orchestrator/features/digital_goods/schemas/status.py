"""What buyers and admins see of a digital order."""

import enum
import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.money import Money
from orchestrator.clients.orders.digital_orders import DigitalItemStatus, DigitalOrderStatus, PayGoodsWith
from orchestrator.features.digital_goods.models import PaymentInstructions


class FulfillmentStatus(enum.StrEnum):
    """How the delivery of an order goes on."""

    AWAITING_PAYMENT = "awaiting_payment"
    RESERVING = "reserving"
    WAITING = "waiting"
    READY = "ready"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    FAILED = "failed"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


class DigitalItemView(BaseModel):
    """`failure` says in plain words why an item is FAILED."""

    model_config = ConfigDict(from_attributes=True)

    item_id: uuid.UUID
    product_id: uuid.UUID
    name: str
    price: Money
    status: DigitalItemStatus
    failure: str | None = None


class FulfillmentView(BaseModel):
    """`payment` is there while the order waits for it. The codes are revealed once the order is FULFILLED."""

    order_id: uuid.UUID
    status: DigitalOrderStatus
    fulfillment_status: FulfillmentStatus
    items: list[DigitalItemView]
    total: Money
    pay_with: PayGoodsWith
    payment: PaymentInstructions | None = None
    can_reveal: bool
    keys_deleted: bool
    failure: str | None = None
    created_at: datetime
    paid_at: datetime | None
    ready_at: datetime | None
