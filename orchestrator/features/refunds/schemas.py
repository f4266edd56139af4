"""Request and answer of a refund."""

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from common.fields import PlainText
from common.http.body import RequestBody
from common.money import Money


def _named_once(seat_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    if len(set(seat_ids)) != len(seat_ids):
        raise ValueError("a seat is named twice")
    return seat_ids


class RefundRequest(RequestBody):
    """The whole order, or some seats of it."""

    reason: Annotated[PlainText, Field(max_length=200)] = ""
    seat_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=10), AfterValidator(_named_once)] | None = (
        Field(default=None, description="Some seats of the order; all that can be refunded if omitted.")
    )


class Refunded(BaseModel):
    """`credits_returned` is what the tickets' owners got in total. An order is REFUNDED with the last of its seats."""

    order_id: uuid.UUID
    status: Literal["CONFIRMED", "REFUNDED"] = "REFUNDED"
    refunded_seat_ids: list[uuid.UUID]
    credits_returned: Money
