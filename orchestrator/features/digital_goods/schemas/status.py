"""What buyers and admins see of a digital order."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from common.money import Money
from orchestrator.clients.orders.digital_orders import (
    DigitalItemStatus,
    DigitalOrderStatus,
    FulfillmentStatus,
    PayGoodsWith,
)
from orchestrator.features.digital_goods.models import PaymentInstructions


class DigitalItemView(BaseModel):
    """`failure`: why the item cannot be delivered, in plain words."""

    model_config = ConfigDict(from_attributes=True)

    item_id: uuid.UUID
    product_id: uuid.UUID
    name: str
    price: Money
    status: DigitalItemStatus
    failure: str | None


class FulfillmentView(BaseModel):
    """`payment` is set while the order waits for it. The codes can be revealed once the order is FULFILLED."""

    order_id: uuid.UUID
    status: DigitalOrderStatus
    fulfillment_status: FulfillmentStatus
    items: list[DigitalItemView]
    total: Money
    pay_with: PayGoodsWith
    payment: PaymentInstructions | None = None
    can_reveal: bool
    keys_deleted: bool
    failure_code: str | None
    failure_message: str | None = Field(description="Why the order has failed or ended, in plain words.")
    created_at: datetime
    paid_at: datetime | None
    ready_at: datetime | None
