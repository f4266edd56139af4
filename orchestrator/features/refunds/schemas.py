"""Refunds of orders."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from common.fields import PlainText
from common.money import Money

__all__ = ["RefundRequest", "Refunded"]


class RefundRequest(BaseModel):
    reason: Annotated[PlainText, Field(max_length=200)] = ""


class Refunded(BaseModel):
    """`credits_returned` went to whoever had the tickets."""

    order_id: uuid.UUID
    status: Literal["REFUNDED"] = "REFUNDED"
    credits_returned: Money
