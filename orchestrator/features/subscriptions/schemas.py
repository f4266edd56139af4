"""The answer of a subscription."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from common.money import Money
from orchestrator.clients.orders.subscriptions import SubscriptionFacts


class Subscribed(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "subscription_id": "6d0c3b5e-3f0b-4a36-9d0f-5c1f3f6e2a11",
                "performer_id": "45454545-4545-4545-4545-454545454545",
                "price": "15.00",
                "renews": True,
                "is_active": True,
                "periods": 1,
                "ends_at": "2027-01-19T10:00:00Z",
                "credits_charged": "15.00",
            }
        }
    )

    subscription_id: uuid.UUID
    performer_id: uuid.UUID
    price: Money = Field(description="For 30 days, as agreed; a renewal never costs more.")
    renews: bool
    is_active: bool
    periods: int = Field(description="Paid so far.")
    ends_at: datetime
    credits_charged: Money = Field(description="0 if you had the subscription already.")

    @classmethod
    def of(cls, subscription: SubscriptionFacts, *, charged: Decimal) -> Self:
        return cls(**subscription.model_dump(exclude={"user_id"}), credits_charged=charged)
