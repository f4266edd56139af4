"""Digital orders, and what admins decide about them."""

import uuid
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.fields import Integer, PlainText
from common.http.body import RequestBody
from common.money import Money
from orchestrator.clients.orders.digital_orders import DigitalOrderStatus, PayGoodsWith
from orchestrator.features.digital_goods.models import PaymentInstructions
from orchestrator.features.payments.schemas import Ticker

__all__ = [
    "DigitalOrderMoved",
    "DigitalOrderPlaced",
    "DigitalOrderRequest",
    "FulfilmentRetried",
    "GoodsRefundReason",
    "OrderedProduct",
]

MOST_UNITS = 20
DEFAULT_COIN = "btc"


class OrderedProduct(RequestBody):
    product_id: uuid.UUID
    quantity: Annotated[Integer, Field(ge=1, le=10)] = 1


class DigitalOrderRequest(RequestBody):
    """At most 10 products and 20 units. `pay_currency` belongs to `pay_with` crypto, and is `btc` if it is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [{"product_id": "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1", "quantity": 2}],
                "pay_with": "credits",
            }
        }
    )

    items: Annotated[tuple[OrderedProduct, ...], Field(min_length=1, max_length=10)]
    pay_with: PayGoodsWith = PayGoodsWith.CREDITS
    pay_currency: Ticker | None = Field(default=None, examples=["btc"])

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if len({item.product_id for item in self.items}) < len(self.items):
            raise ValueError("each product is listed once")
        if sum(item.quantity for item in self.items) > MOST_UNITS:
            raise ValueError(f"an order has at most {MOST_UNITS} units")
        if self.pay_with is not PayGoodsWith.CRYPTO and self.pay_currency is not None:
            raise ValueError("pay_currency is for crypto only")
        return self

    @property
    def coin(self) -> str | None:
        """The currency to pay in; None unless the order is paid by crypto."""
        return (self.pay_currency or DEFAULT_COIN) if self.pay_with is PayGoodsWith.CRYPTO else None


class DigitalOrderPlaced(BaseModel):
    """The order is PAID; or CREATED, until it is paid as `payment` says."""

    order_id: uuid.UUID
    status: DigitalOrderStatus
    total: Money
    pay_with: PayGoodsWith
    payment: PaymentInstructions | None = None
    message: str


class GoodsRefundReason(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "The supplier does not respond."}})

    reason: Annotated[PlainText, Field(min_length=1, max_length=500, description="For the audit trail.")]


class DigitalOrderMoved(BaseModel):
    order_id: uuid.UUID
    status: DigitalOrderStatus
    message: str


class FulfilmentRetried(BaseModel):
    """`job_ids` are the jobs of the order that are queued or running."""

    order_id: uuid.UUID
    job_ids: list[uuid.UUID]
    message: str
