"""The bodies and answers of the subscription routes."""

import uuid
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import StoredInstant
from common.money import Money
from orders.shared.schemas import Reason

_EXAMPLE: JsonDict = {
    "subscription_id": "6d0c3b5e-3f0b-4a36-9d0f-5c1f3f6e2a11",
    "user_id": "41414141-4141-4141-4141-414141414141",
    "performer_id": "45454545-4545-4545-4545-454545454545",
    "price": "15.00",
    "renews": True,
    "is_active": True,
    "periods": 2,
    "started_at": "2026-11-20T10:00:00Z",
    "ends_at": "2027-01-19T10:00:00Z",
}


class Subscription(BaseModel):
    """A fan's subscription to a performer."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    subscription_id: uuid.UUID
    user_id: uuid.UUID
    performer_id: uuid.UUID
    price: Money = Field(description="For 30 days, as agreed; a renewal never costs more.")
    renews: bool = Field(description="Whether it is renewed, an hour before `ends_at`.")
    is_active: bool = Field(description="Whether it gives access now.")
    periods: int = Field(description="Paid so far.")
    started_at: StoredInstant = Field(description="When the first of the periods without a gap began.")
    ends_at: StoredInstant


class EndSubscription(BaseModel):
    """`periods`: as many as were paid when the renewal was refused."""

    periods: Annotated[int, Field(ge=1)]
    reason: Reason


class RemindSubscribers(BaseModel):
    days_before: Annotated[int, Field(ge=0, le=30)]
    limit: Annotated[int, Field(ge=1, le=1_000)]


class Reminded(BaseModel):
    reminded: int
