"""Request and answer of a refund."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from common.fields import PlainText
from common.money import Money


class RefundRequest(BaseModel):
    reason: Annotated[PlainText, Field(max_length=200)] = ""


class Refunded(BaseModel):
    """`credits_returned` is what the tickets' owners got in total."""

    order_id: uuid.UUID
    status: Literal["REFUNDED"] = "REFUNDED"
    credits_returned: Money
